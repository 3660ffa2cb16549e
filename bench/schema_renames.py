"""Which removals and additions in the public schema histories are one rename, as a person reads them.

Labelled by hand from the names, types and places, by the author of the proposals and after seeing them:
(history, version, table, before, after); the table is empty where a table was renamed. What took a column's
place with another meaning (a language and then a locale, a path and then a certificate) is not a rename.
"""

from __future__ import annotations

Label = tuple[str, str, str, str, str]

_HALITE = "HaliteChallenge__Halite-II"
_IN_PLACE: dict[tuple[str, str, str], dict[str, str]] = {
    (_HALITE, "1499087360.sql", ""): {
        "Organization": "organization",
        "OrganizationEmailDomain": "organization_email_domain",
        "User": "player",
        "Game": "game",
        "GameUser": "game_participant",
        "UserHistory": "bot_history",
        "UserNotification": "player_notification",
    },
    (_HALITE, "1499094259.sql", ""): {"player": "user", "player_notification": "user_notification"},
    (_HALITE, "1499094259.sql", "bot"): {"player_id": "user_id"},
    (_HALITE, "1499094259.sql", "game_participant"): {"player_id": "user_id"},
    (_HALITE, "1499094259.sql", "bot_history"): {"player_id": "user_id"},
    (_HALITE, "1499261826.sql", "bot_history"): {"last_num_games": "last_games_played"},
    ("castor_srm2", "rev_1.02.sql", ""): {"User": "SrmUser"},
    ("castor_srm2", "rev_1.04.sql", "StageRequest"): {
        "castorRequestId": "castorReqId",
        "owner": "srmUser",
        "expires": "expirationTime",
    },
    ("castor_srm2", "rev_1.04.sql", "StorageRequest"): {
        "castorRequestId": "castorReqId",
        "owner": "srmUser",
        "expires": "expirationTime",
    },
    ("castor_srm2", "rev_1.04.sql", "UserFile"): {"ownedBy": "srmUser"},
    ("castor_srm2", "rev_1.04.sql", "UserPermission"): {"fileName": "userFile"},
    ("castor_srm2", "rev_1.04.sql", "FilePin"): {"fileName": "userFile"},
    ("castor_srm2", "rev_1.05.sql", ""): {"RequestStatus": "RequestStatusHistory"},
    ("castor_srm2", "rev_1.07.sql", ""): {
        "UserFile2StorageReques": "UserFile2StorageArea",
        "StorageRequest": "StorageArea",
    },
    ("castor_srm2", "rev_1.15.sql", "SubRequest"): {"fileSize": "reservedSize"},
    ("castor_srm2", "rev_1.32.sql", "CastorVersion"): {
        "version": "schemaVersion",
        "plsqlrevision": "release",
    },
    ("coppermine", "1087640779.sql", "CPG_users"): {
        "user_location": "user_profile1",
        "user_interests": "user_profile2",
        "user_website": "user_profile3",
        "user_occupation": "user_profile4",
    },
    ("gugoan__economizzer", "1444148212.sql", "tb_user_key"): {"key": "key_value"},
    ("gugoan__economizzer", "1451163094.sql", ""): {
        "tb_cashbook": "cashbook",
        "tb_category": "category",
        "tb_profile": "profile",
        "tb_role": "role",
        "tb_type": "type",
        "tb_user": "user",
        "tb_user_auth": "user_auth",
        "tb_user_key": "user_key",
    },
    ("joomla_1_5", "rev_007618.sql", "#__core_acl_aro_sections"): {"section_id": "id"},
    ("kronusme__dota2-api", "1382596117.sql", "users"): {"steam_id": "steamid"},
    ("xoops", "rev_001436.sql", "cache_model"): {
        "key": "cache_key",
        "expires": "cache_expires",
        "data": "cache_data",
    },
}
RENAMES: frozenset[Label] = frozenset(
    (*where, before, after) for where, pairs in _IN_PLACE.items() for before, after in pairs.items()
)
