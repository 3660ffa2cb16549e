CREATE TABLE alarm_path (
  workflow TEXT NOT NULL,
  release VARCHAR(64) NOT NULL,
  number INTEGER NOT NULL,
  state TEXT NOT NULL,
  began_at VARCHAR(32) NOT NULL,
  raised_at VARCHAR(32),
  changed_at VARCHAR(32),
  words TEXT DEFAULT '' NOT NULL,
  cleared_at VARCHAR(32),
  cleared_by TEXT DEFAULT '' NOT NULL,
  PRIMARY KEY (workflow, release, number)
);

CREATE TABLE alembic_version (
  version_num VARCHAR(32) NOT NULL,
  CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

CREATE TABLE approval (
  id VARCHAR(40) NOT NULL,
  kind VARCHAR(10) DEFAULT 'question' NOT NULL,
  run VARCHAR(40) NOT NULL,
  position TEXT NOT NULL,
  rules TEXT NOT NULL,
  digest VARCHAR(64) NOT NULL,
  who TEXT NOT NULL,
  quorum INTEGER NOT NULL,
  requester TEXT NOT NULL,
  subject TEXT DEFAULT '' NOT NULL,
  barred TEXT DEFAULT '{}' NOT NULL,
  wider TEXT DEFAULT '[]' NOT NULL,
  terms TEXT DEFAULT '{}' NOT NULL,
  rung INTEGER DEFAULT '0' NOT NULL,
  next_rung_at VARCHAR(32),
  supersedes VARCHAR(40) DEFAULT '' NOT NULL,
  opened_entry INTEGER NOT NULL,
  state VARCHAR(12) NOT NULL,
  opened_at VARCHAR(32) NOT NULL,
  due_at VARCHAR(32) NOT NULL,
  valid_until VARCHAR(32),
  closed_at VARCHAR(32),
  closed_entry INTEGER,
  late_revocation INTEGER,
  PRIMARY KEY (id),
  CONSTRAINT approval_kind CHECK (kind in ('question','emergency','review')),
  CONSTRAINT approval_state CHECK (state in ('open','approved','refused','expired','revoked','superseded','used')),
  CONSTRAINT approval_place UNIQUE (run, position, opened_at, supersedes)
);

CREATE INDEX approval_by_run ON approval (run);

CREATE INDEX approval_open ON approval (due_at) WHERE state = 'open';

CREATE INDEX approval_rung ON approval (next_rung_at) WHERE state = 'open' and next_rung_at is not null;

CREATE TABLE audit_item (
  run VARCHAR(40) NOT NULL,
  workflow TEXT NOT NULL,
  release VARCHAR(64) NOT NULL,
  drawn_at VARCHAR(32) NOT NULL,
  due_at VARCHAR(32) NOT NULL,
  core INTEGER NOT NULL,
  probability FLOAT NOT NULL,
  wanted INTEGER NOT NULL,
  answers INTEGER DEFAULT '0' NOT NULL,
  verdict VARCHAR(8) DEFAULT '' NOT NULL,
  verdict_at VARCHAR(32),
  path INTEGER,
  place INTEGER,
  PRIMARY KEY (run),
  CONSTRAINT audit_item_verdict CHECK (verdict in ('','right','wrong'))
);

CREATE INDEX audit_item_by_time ON audit_item (workflow, drawn_at);

CREATE TABLE audit_label (
  run VARCHAR(40) NOT NULL,
  who TEXT NOT NULL,
  verdict VARCHAR(8) NOT NULL,
  at VARCHAR(32) NOT NULL,
  known_at VARCHAR(32) NOT NULL,
  entry INTEGER,
  PRIMARY KEY (run, who),
  CONSTRAINT audit_label_verdict CHECK (verdict in ('right','wrong','unclear'))
);

CREATE TABLE baseline (
  source VARCHAR(63) NOT NULL,
  object TEXT NOT NULL,
  frame VARCHAR(32) NOT NULL,
  state VARCHAR(16) NOT NULL,
  counted TEXT NOT NULL,
  columns TEXT NOT NULL,
  rows BIGINT NOT NULL,
  batches TEXT DEFAULT '[]' NOT NULL,
  made_at VARCHAR(32) NOT NULL,
  accepted_by TEXT DEFAULT '' NOT NULL,
  until VARCHAR(32) DEFAULT '' NOT NULL,
  PRIMARY KEY (source, object, frame)
);

CREATE TABLE batch (
  source VARCHAR(63) NOT NULL,
  object TEXT NOT NULL,
  name TEXT NOT NULL,
  first_seen_at VARCHAR(32) NOT NULL,
  source_time VARCHAR(32) DEFAULT '' NOT NULL,
  about TEXT DEFAULT '[]' NOT NULL,
  rows BIGINT,
  bytes BIGINT,
  content VARCHAR(64) DEFAULT '' NOT NULL,
  file TEXT DEFAULT '' NOT NULL,
  state VARCHAR(16) NOT NULL,
  said TEXT DEFAULT '[]' NOT NULL,
  data_as_of VARCHAR(32) DEFAULT '' NOT NULL,
  decided_at VARCHAR(32),
  decided_by TEXT DEFAULT '[]' NOT NULL,
  enters INTEGER,
  leaves INTEGER,
  PRIMARY KEY (source, object, name)
);

CREATE INDEX batch_by_snapshot ON batch (source, object, enters);

CREATE INDEX batch_by_time ON batch (source, object, first_seen_at);

CREATE TABLE body (
  idx INTEGER NOT NULL,
  record_key BLOB NOT NULL,
  nonce BLOB NOT NULL,
  ciphertext BLOB NOT NULL,
  kid VARCHAR(64) NOT NULL,
  PRIMARY KEY (idx)
);

CREATE INDEX body_kid ON body (kid);

CREATE TABLE breach (
  source VARCHAR(63) NOT NULL,
  object TEXT NOT NULL,
  clause TEXT NOT NULL,
  response TEXT NOT NULL,
  readers TEXT DEFAULT '{}' NOT NULL,
  words TEXT NOT NULL,
  clause_at TEXT DEFAULT '' NOT NULL,
  since VARCHAR(32) NOT NULL,
  kept_at VARCHAR(32),
  PRIMARY KEY (source, object, clause)
);

CREATE TABLE checkpoint (
  size INTEGER NOT NULL,
  note TEXT NOT NULL,
  time VARCHAR(32) NOT NULL,
  PRIMARY KEY (size)
);

CREATE TABLE crossing (
  run VARCHAR(40) NOT NULL,
  position TEXT NOT NULL,
  action_digest VARCHAR(64) NOT NULL,
  kind VARCHAR(10) NOT NULL,
  target TEXT NOT NULL,
  effect VARCHAR(8) NOT NULL,
  outward INTEGER DEFAULT '0' NOT NULL,
  state VARCHAR(10) NOT NULL,
  effect_key VARCHAR(64) NOT NULL,
  attempt INTEGER DEFAULT '0' NOT NULL,
  boot TEXT DEFAULT '' NOT NULL,
  called_at VARCHAR(32),
  first_called_at VARCHAR(32),
  record TEXT DEFAULT '' NOT NULL,
  amount TEXT DEFAULT '' NOT NULL,
  currency VARCHAR(3) DEFAULT '' NOT NULL,
  approval VARCHAR(40) DEFAULT '' NOT NULL,
  undoes TEXT DEFAULT '' NOT NULL,
  decision TEXT DEFAULT '' NOT NULL,
  intent_entry INTEGER,
  outcome_entry INTEGER,
  edit_entry INTEGER,
  started_at VARCHAR(32) NOT NULL,
  ended_at VARCHAR(32),
  look_again_at VARCHAR(32),
  settled VARCHAR(12) DEFAULT '' NOT NULL,
  PRIMARY KEY (run, position),
  CONSTRAINT crossing_settled CHECK (settled in ('','confirmed','zombie','gone','duplicate','happened','did-not','left')),
  CONSTRAINT crossing_state CHECK (state in ('asked','intent','claimed','done','refused','failed','unknown'))
);

CREATE INDEX crossing_by_key ON crossing (effect_key);

CREATE INDEX crossing_by_record ON crossing (record, state);

CREATE INDEX crossing_by_state ON crossing (state);

CREATE INDEX crossing_by_undoes ON crossing (undoes) WHERE undoes <> '';

CREATE INDEX crossing_edited ON crossing (target) WHERE edit_entry is not null;

CREATE INDEX crossing_equal_effects ON crossing (action_digest) WHERE effect <> 'read';

CREATE INDEX crossing_look_again ON crossing (look_again_at) WHERE look_again_at is not null;

CREATE UNIQUE INDEX crossing_undone_once ON crossing (undoes) WHERE undoes <> '' and state in ('claimed','done','unknown');

CREATE INDEX crossing_unsettled ON crossing (settled) WHERE settled <> '' and settled <> 'confirmed';

CREATE TABLE data_key (
  kid VARCHAR(64) NOT NULL,
  subject TEXT NOT NULL,
  nonce BLOB NOT NULL,
  wrapped BLOB NOT NULL,
  PRIMARY KEY (kid)
);

CREATE INDEX data_key_subject ON data_key (subject);

CREATE TABLE delegation (
  id VARCHAR(40) NOT NULL,
  delegator TEXT NOT NULL,
  delegate TEXT NOT NULL,
  scope TEXT NOT NULL,
  starts_at VARCHAR(32) NOT NULL,
  ends_at VARCHAR(32) NOT NULL,
  ended_at VARCHAR(32),
  ended_by TEXT DEFAULT '' NOT NULL,
  entry INTEGER,
  PRIMARY KEY (id)
);

CREATE INDEX delegation_by_delegate ON delegation (delegate);

CREATE TABLE entry (
  idx INTEGER NOT NULL,
  kind VARCHAR(40) NOT NULL,
  run VARCHAR(40) DEFAULT '' NOT NULL,
  seq INTEGER DEFAULT '0' NOT NULL,
  time VARCHAR(32) NOT NULL,
  leaf BLOB NOT NULL,
  envelope BLOB NOT NULL,
  PRIMARY KEY (idx)
);

CREATE INDEX entry_kind ON entry (kind);

CREATE INDEX entry_run ON entry (run, seq);

CREATE TABLE estimate (
  workflow TEXT NOT NULL,
  release VARCHAR(64) NOT NULL,
  at VARCHAR(32) NOT NULL,
  state VARCHAR(16) NOT NULL,
  said TEXT NOT NULL,
  closer INTEGER DEFAULT '0' NOT NULL,
  PRIMARY KEY (workflow, release)
);

CREATE TABLE feed (
  source VARCHAR(63) NOT NULL,
  object TEXT NOT NULL,
  state TEXT NOT NULL,
  looked_at VARCHAR(32) NOT NULL,
  next_look_at VARCHAR(32) DEFAULT '' NOT NULL,
  PRIMARY KEY (source, object)
);

CREATE TABLE file_content (
  sha256 VARCHAR(64) NOT NULL,
  content BLOB NOT NULL,
  PRIMARY KEY (sha256)
);

CREATE TABLE gap (
  run VARCHAR(40) NOT NULL,
  source VARCHAR(63) NOT NULL,
  object TEXT NOT NULL,
  field TEXT NOT NULL,
  missing BIGINT NOT NULL,
  rows BIGINT NOT NULL,
  at VARCHAR(32) NOT NULL,
  PRIMARY KEY (run, source, object, field)
);

CREATE INDEX gap_by_time ON gap (source, object, at);

CREATE TABLE incident (
  id VARCHAR(40) NOT NULL,
  run VARCHAR(40) DEFAULT '' NOT NULL,
  kind TEXT NOT NULL,
  words TEXT NOT NULL,
  opened_at VARCHAR(32) NOT NULL,
  closed_at VARCHAR(32),
  entry INTEGER,
  PRIMARY KEY (id)
);

CREATE TABLE lane_use (
  lane TEXT NOT NULL,
  run VARCHAR(40) NOT NULL,
  place TEXT NOT NULL,
  due_at VARCHAR(32) NOT NULL,
  free_at VARCHAR(32) NOT NULL,
  PRIMARY KEY (lane, run, place)
);

CREATE INDEX lane_use_due ON lane_use (lane, due_at);

CREATE TABLE ledger_head (
  id INTEGER NOT NULL,
  origin TEXT NOT NULL,
  size INTEGER NOT NULL,
  frontier BLOB NOT NULL,
  PRIMARY KEY (id),
  CONSTRAINT one_head CHECK (id = 1)
);

CREATE TABLE looked_at (
  source VARCHAR(63) NOT NULL,
  object TEXT NOT NULL,
  checked_at VARCHAR(32) NOT NULL,
  whole_at VARCHAR(32),
  good_until VARCHAR(32) NOT NULL,
  data_as_of VARCHAR(32) DEFAULT '' NOT NULL,
  PRIMARY KEY (source, object)
);

CREATE TABLE node (
  level INTEGER NOT NULL,
  position INTEGER NOT NULL,
  hash BLOB NOT NULL,
  PRIMARY KEY (level, position)
);

CREATE TABLE occurrence (
  schedule VARCHAR(63) NOT NULL,
  at VARCHAR(32) NOT NULL,
  last_at VARCHAR(32) NOT NULL,
  count INTEGER DEFAULT '1' NOT NULL,
  state VARCHAR(8) NOT NULL,
  why TEXT DEFAULT '' NOT NULL,
  run VARCHAR(40) DEFAULT '' NOT NULL,
  "by" TEXT DEFAULT '' NOT NULL,
  decided_at VARCHAR(32) NOT NULL,
  entry INTEGER,
  PRIMARY KEY (schedule, at),
  CONSTRAINT occurrence_state CHECK (state in ('held','started','skipped','missed'))
);

CREATE TABLE output (
  run VARCHAR(40) NOT NULL,
  workflow TEXT NOT NULL,
  release VARCHAR(64) NOT NULL,
  at VARCHAR(32) NOT NULL,
  segment TEXT DEFAULT '' NOT NULL,
  amount FLOAT,
  proxy FLOAT,
  business_key VARCHAR(64) DEFAULT '' NOT NULL,
  PRIMARY KEY (run)
);

CREATE INDEX output_by_key ON output (workflow, business_key);

CREATE INDEX output_by_time ON output (workflow, at);

CREATE TABLE profile (
  source VARCHAR(63) NOT NULL,
  object TEXT NOT NULL,
  frame VARCHAR(32) NOT NULL,
  part TEXT NOT NULL,
  batch TEXT DEFAULT '' NOT NULL,
  day VARCHAR(10) NOT NULL,
  at VARCHAR(32) NOT NULL,
  rows BIGINT NOT NULL,
  columns TEXT NOT NULL,
  drifted INTEGER DEFAULT '0' NOT NULL,
  judged TEXT DEFAULT '{}' NOT NULL,
  state TEXT DEFAULT '' NOT NULL,
  PRIMARY KEY (source, object, frame, part)
);

CREATE INDEX profile_by_day ON profile (source, object, frame, day);

CREATE TABLE reading (
  run VARCHAR(40) NOT NULL,
  source VARCHAR(63) NOT NULL,
  object TEXT NOT NULL,
  last_at VARCHAR(32) NOT NULL,
  broken TEXT DEFAULT '[]' NOT NULL,
  PRIMARY KEY (run, source, object)
);

CREATE INDEX reading_of ON reading (source, object, last_at);

CREATE TABLE release (
  digest VARCHAR(64) NOT NULL,
  parent VARCHAR(64) DEFAULT '' NOT NULL,
  charter TEXT NOT NULL,
  manifest TEXT NOT NULL,
  activated_at VARCHAR(32) NOT NULL,
  activated_by TEXT NOT NULL,
  active INTEGER DEFAULT '0' NOT NULL,
  activators TEXT DEFAULT '' NOT NULL,
  state VARCHAR(10) DEFAULT 'allowed' NOT NULL,
  stopped_by VARCHAR(40) DEFAULT '' NOT NULL,
  PRIMARY KEY (digest),
  CONSTRAINT release_state CHECK (state in ('allowed','stopped'))
);

CREATE TABLE release_file (
  release VARCHAR(64) NOT NULL,
  path TEXT NOT NULL,
  sha256 VARCHAR(64) NOT NULL,
  executable INTEGER DEFAULT '0' NOT NULL,
  PRIMARY KEY (release, path)
);

CREATE TABLE restored (
  id VARCHAR(40) NOT NULL,
  taken_at VARCHAR(32) NOT NULL,
  restored_at VARCHAR(32) NOT NULL,
  restored_by TEXT NOT NULL,
  PRIMARY KEY (id)
);

CREATE TABLE run (
  id VARCHAR(40) NOT NULL,
  kind VARCHAR(8) DEFAULT 'case' NOT NULL,
  release VARCHAR(64) NOT NULL,
  workflow TEXT NOT NULL,
  title TEXT DEFAULT '' NOT NULL,
  agent TEXT NOT NULL,
  on_behalf TEXT NOT NULL,
  bindings TEXT DEFAULT '{}' NOT NULL,
  subject TEXT DEFAULT '' NOT NULL,
  input_entry INTEGER NOT NULL,
  status VARCHAR(16) NOT NULL,
  waiting_for TEXT DEFAULT '' NOT NULL,
  result_entry INTEGER,
  created_at VARCHAR(32) NOT NULL,
  ended_at VARCHAR(32),
  crossings INTEGER DEFAULT '0' NOT NULL,
  effects INTEGER DEFAULT '0' NOT NULL,
  backup_at VARCHAR(32),
  restored_at VARCHAR(32),
  schedule VARCHAR(63) DEFAULT '' NOT NULL,
  PRIMARY KEY (id),
  CONSTRAINT run_kind CHECK (kind in ('case','undo')),
  CONSTRAINT run_status CHECK (status in ('running','waiting','done','failed','stopped'))
);

CREATE INDEX run_by_release ON run (release);

CREATE INDEX run_by_schedule ON run (schedule, status) WHERE schedule <> '';

CREATE INDEX run_by_status ON run (status, created_at);

CREATE TABLE run_head (
  run VARCHAR(40) NOT NULL,
  seq INTEGER NOT NULL,
  prev VARCHAR(64) NOT NULL,
  PRIMARY KEY (run)
);

CREATE TABLE schedule (
  name VARCHAR(63) NOT NULL,
  release VARCHAR(64) NOT NULL,
  timing TEXT NOT NULL,
  since VARCHAR(32) NOT NULL,
  next_at VARCHAR(32),
  unsure_until VARCHAR(32),
  ended_at VARCHAR(32),
  PRIMARY KEY (name)
);

CREATE TABLE schema_seen (
  source VARCHAR(63) NOT NULL,
  object TEXT NOT NULL,
  accepted TEXT NOT NULL,
  accepted_at VARCHAR(32) NOT NULL,
  accepted_by TEXT NOT NULL,
  found TEXT NOT NULL,
  found_at VARCHAR(32) NOT NULL,
  since VARCHAR(32) DEFAULT '' NOT NULL,
  changes TEXT DEFAULT '[]' NOT NULL,
  mapping TEXT DEFAULT '{}' NOT NULL,
  PRIMARY KEY (source, object)
);

CREATE TABLE segment (
  run VARCHAR(40) NOT NULL,
  number INTEGER NOT NULL,
  state VARCHAR(10) NOT NULL,
  due_at VARCHAR(32) NOT NULL,
  boot TEXT DEFAULT '' NOT NULL,
  attempts INTEGER DEFAULT '0' NOT NULL,
  reached INTEGER DEFAULT '0' NOT NULL,
  fruitless INTEGER DEFAULT '0' NOT NULL,
  PRIMARY KEY (run, number),
  CONSTRAINT segment_state CHECK (state in ('ready','queued','claimed','ended'))
);

CREATE INDEX segment_claimed ON segment (boot) WHERE state = 'claimed';

CREATE INDEX segment_due ON segment (due_at) WHERE state = 'ready';

CREATE INDEX segment_queued ON segment (run) WHERE state = 'queued';

CREATE TABLE session (
  token_hash VARCHAR(64) NOT NULL,
  person TEXT NOT NULL,
  created_at VARCHAR(32) NOT NULL,
  expires_at VARCHAR(32) NOT NULL,
  ended_at VARCHAR(32),
  PRIMARY KEY (token_hash)
);

CREATE TABLE signin (
  token_hash VARCHAR(64) NOT NULL,
  person TEXT NOT NULL,
  expires_at VARCHAR(32) NOT NULL,
  used_at VARCHAR(32),
  PRIMARY KEY (token_hash)
);

CREATE TABLE snapshot (
  source VARCHAR(63) NOT NULL,
  object TEXT NOT NULL,
  number INTEGER NOT NULL,
  at VARCHAR(32) NOT NULL,
  data_as_of VARCHAR(32) DEFAULT '' NOT NULL,
  PRIMARY KEY (source, object, number)
);

CREATE TABLE snapshot_of_run (
  run VARCHAR(40) NOT NULL,
  source VARCHAR(63) NOT NULL,
  object TEXT NOT NULL,
  number INTEGER NOT NULL,
  at VARCHAR(32) NOT NULL,
  PRIMARY KEY (run, source, object)
);

CREATE TABLE spend (
  scope VARCHAR(60) NOT NULL,
  currency VARCHAR(3) NOT NULL,
  reserved TEXT NOT NULL,
  settled TEXT NOT NULL,
  PRIMARY KEY (scope, currency)
);

CREATE TABLE stop (
  id VARCHAR(40) NOT NULL,
  set_by TEXT NOT NULL,
  reason TEXT NOT NULL,
  set_at VARCHAR(32) NOT NULL,
  lifted_by TEXT DEFAULT '' NOT NULL,
  lifted_at VARCHAR(32),
  PRIMARY KEY (id)
);

CREATE TABLE undo (
  id VARCHAR(40) NOT NULL,
  scope VARCHAR(8) NOT NULL,
  target VARCHAR(64) NOT NULL,
  state VARCHAR(10) NOT NULL,
  run VARCHAR(40) NOT NULL,
  ordered_by TEXT NOT NULL,
  rate TEXT DEFAULT '' NOT NULL,
  next_at VARCHAR(32) DEFAULT '' NOT NULL,
  expected VARCHAR(64) DEFAULT '' NOT NULL,
  plan_digest VARCHAR(64) DEFAULT '' NOT NULL,
  plan_entry INTEGER,
  ordered_entry INTEGER,
  certificate_entry INTEGER,
  created_at VARCHAR(32) NOT NULL,
  ended_at VARCHAR(32),
  PRIMARY KEY (id),
  CONSTRAINT undo_scope CHECK (scope in ('run','release')),
  CONSTRAINT undo_state CHECK (state in ('stopping','looking','planned','asking','running','ended','refused'))
);

CREATE INDEX undo_by_run ON undo (run);

CREATE INDEX undo_by_target ON undo (target, created_at);

CREATE TABLE undo_item (
  undo VARCHAR(40) NOT NULL,
  number INTEGER NOT NULL,
  run VARCHAR(40) NOT NULL,
  position TEXT NOT NULL,
  effect_key VARCHAR(64) NOT NULL,
  target TEXT NOT NULL,
  "group" VARCHAR(12) NOT NULL,
  why TEXT DEFAULT '' NOT NULL,
  "after" INTEGER DEFAULT '0' NOT NULL,
  compensation TEXT DEFAULT '' NOT NULL,
  amount TEXT DEFAULT '' NOT NULL,
  currency VARCHAR(3) DEFAULT '' NOT NULL,
  state VARCHAR(10) DEFAULT 'planned' NOT NULL,
  saga VARCHAR(40) DEFAULT '' NOT NULL,
  slot_at VARCHAR(32) DEFAULT '' NOT NULL,
  person TEXT DEFAULT '' NOT NULL,
  due_at VARCHAR(32) DEFAULT '' NOT NULL,
  PRIMARY KEY (undo, number),
  CONSTRAINT undo_item_state CHECK (state in ('planned','waiting','undone','refused','skipped','person','nothing'))
);

CREATE INDEX undo_item_by_saga ON undo_item (saga);

CREATE TABLE vote (
  approval VARCHAR(40) NOT NULL,
  principal TEXT NOT NULL,
  answer VARCHAR(8) NOT NULL,
  on_behalf_of TEXT DEFAULT '' NOT NULL,
  delegation VARCHAR(40) DEFAULT '' NOT NULL,
  digest VARCHAR(64) NOT NULL,
  assurance TEXT NOT NULL,
  at VARCHAR(32) NOT NULL,
  entry INTEGER,
  PRIMARY KEY (approval, principal),
  CONSTRAINT vote_answer CHECK (answer in ('approve','refuse'))
);

CREATE TABLE watch_beat (
  number INTEGER NOT NULL,
  beat_at VARCHAR(32) NOT NULL,
  "by" TEXT NOT NULL,
  PRIMARY KEY (number)
);

CREATE TABLE worker (
  boot TEXT NOT NULL,
  name TEXT NOT NULL,
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  concurrency INTEGER NOT NULL,
  started_at VARCHAR(32) NOT NULL,
  beat_at VARCHAR(32) NOT NULL,
  left_at VARCHAR(32),
  PRIMARY KEY (boot)
);
