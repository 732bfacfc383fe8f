"""The database's own manual: everything in it has a comment, which psql shows."""

import re

# All that is ours, as pg_describe_object names it. Left out are partitions of the log, made at run time and like it;
# constraints that one column's comment or name tells; what PostgreSQL or an extension brings along.
OURS = """
WITH spaces AS (
    SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
),

relations AS (
    SELECT oid, relkind FROM pg_class WHERE relnamespace IN (SELECT oid FROM spaces) AND NOT relispartition
),

ours (classid, objid, objsubid) AS (
    SELECT 'pg_namespace'::regclass, oid, 0 FROM spaces
    UNION ALL
    SELECT 'pg_class'::regclass, oid, 0 FROM relations WHERE relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'i', 'I')
    UNION ALL
    SELECT 'pg_class'::regclass, a.attrelid, a.attnum
    FROM pg_attribute AS a
    INNER JOIN relations AS r ON a.attrelid = r.oid
    WHERE r.relkind IN ('r', 'p', 'f', 'v', 'm', 'c') AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT 'pg_proc'::regclass, oid, 0 FROM pg_proc WHERE pronamespace IN (SELECT oid FROM spaces)
    UNION ALL
    SELECT 'pg_type'::regclass, t.oid, 0
    FROM pg_type AS t
    LEFT JOIN relations AS r ON t.typrelid = r.oid
    WHERE t.typnamespace IN (SELECT oid FROM spaces) AND (t.typtype IN ('d', 'e', 'r') OR r.relkind = 'c')
    UNION ALL
    SELECT 'pg_constraint'::regclass, oid, 0
    FROM pg_constraint
    WHERE conrelid IN (SELECT oid FROM relations) AND (contype = 'f' OR (contype = 'c' AND cardinality(conkey) > 1))
    UNION ALL
    SELECT 'pg_trigger'::regclass, oid, 0
    FROM pg_trigger
    WHERE tgrelid IN (SELECT oid FROM relations) AND NOT tgisinternal
    UNION ALL
    SELECT 'pg_policy'::regclass, oid, 0 FROM pg_policy WHERE polrelid IN (SELECT oid FROM relations)
    UNION ALL
    SELECT 'pg_statistic_ext'::regclass, oid, 0 FROM pg_statistic_ext WHERE stxnamespace IN (SELECT oid FROM spaces)
)

SELECT pg_describe_object(o.classid, o.objid, o.objsubid) AS name, d.description AS comment
FROM ours AS o
LEFT JOIN pg_description AS d ON o.classid = d.classoid AND o.objid = d.objoid AND o.objsubid = d.objsubid
WHERE NOT EXISTS (
    SELECT FROM pg_depend AS e WHERE e.classid = o.classid AND e.objid = o.objid AND e.deptype = 'e'
)
UNION ALL
SELECT 'role ' || rolname, shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname ~ '^scheduler_'
ORDER BY 1
"""
WHAT_TO_DO = (
    "Give each of these a COMMENT ON in the migration that makes it (or makes it anew: DROP loses comments). It says"
    " what somebody with nothing but psql needs to know: what it means, its unit, when it is NULL, who writes it, which"
    " values there are; not its name once more."
)
MAKE_ONE_OF_EACH = """
CREATE SCHEMA bare;
CREATE TYPE bare.mood AS ENUM ('good');
CREATE DOMAIN bare.positive AS integer CHECK (value > 0);
CREATE TABLE bare.things (id integer PRIMARY KEY REFERENCES bare.things, low integer, high integer);
ALTER TABLE bare.things ADD CONSTRAINT things_in_order CHECK (low < high);
CREATE VIEW bare.shown AS SELECT id FROM bare.things;
CREATE SEQUENCE bare.counted;
CREATE FUNCTION bare.act() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER told AFTER INSERT ON bare.things FOR EACH ROW EXECUTE FUNCTION bare.act();
CREATE POLICY all_of_it ON bare.things;
CREATE STATISTICS bare.related ON low, high FROM bare.things;
"""
ONE_OF_EACH = [
    "column high of table bare.things",
    "column id of table bare.things",
    "column id of view bare.shown",
    "column low of table bare.things",
    "constraint things_id_fkey on table bare.things",
    "constraint things_in_order on table bare.things",
    "function bare.act()",
    "index bare.things_pkey",
    "policy all_of_it on table bare.things",
    "schema bare",
    "sequence bare.counted",
    "statistics object bare.related",
    "table bare.things",
    "trigger told on table bare.things",
    "type bare.mood",
    "type bare.positive",
    "view bare.shown",
]
FILLERS = {"a", "an", "and", "for", "is", "its", "of", "the", "this"}


def uncommented(make):
    return [row["name"] for row in make.rows(OURS) if not row["comment"]]


def words(text):
    return set(re.findall(r"[a-z0-9]+", text.lower()))


def test_everything_in_the_database_has_a_comment(make):
    assert uncommented(make) == [], WHAT_TO_DO


def test_a_comment_says_more_than_the_name(make):
    empty = [row["name"] for row in make.rows(OURS) if not words(row["comment"] or "x") - words(row["name"]) - FILLERS]

    assert empty == [], WHAT_TO_DO


def test_whatever_lacks_a_comment_is_named(make, conn):
    conn.execute(MAKE_ONE_OF_EACH)

    assert uncommented(make) == ONE_OF_EACH
