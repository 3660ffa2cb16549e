"""How often is it right? Said only as far as people have looked.

In: what people who audited an output said of it, and a proxy of it for every output. Out: which outputs to
audit, an interval, an alarm. Never: an accuracy without labels as if it were known.

    audit       which outputs people look at: a random core, and more where it is worth it
    drawing     each result is written down and drawn, or not, as its run ends
    labelling   what people, and systems that know later (``delivered``), say of a result
    hearing     the alarm hears it; raised, it leaves what the workflow does to a person
    alarm       is it below its floor? Valid at every look, however often
    interval    how often it was right, with prediction-powered inference where there are labels enough
    labelfree   what confidence suggests without labels, and whether that may be listened to
    estimating  the same of a deployment's last week, written down
"""
