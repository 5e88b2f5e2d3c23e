"""
The floor: the least that answers with the same bytes. One callable, one connection a thread, the token checked and its
session and account looked up; no framework, no routing but a comparison, no validation.
"""

import os
import threading
from uuid import UUID

import jwt
import orjson
import psycopg

DATABASE = (
    f"host={os.environ['DB_HOST']} dbname={os.environ['DB_NAME']} "
    f"user={os.environ['DB_USER']} password={os.environ['DB_PASSWORD']}"
)
KEY = os.environ["JWT_SECRET_KEY"]

USER = """
    SELECT accounts_user.id, username, email, language, theme
    FROM accounts_session JOIN accounts_user ON accounts_user.id = user_id
    WHERE accounts_session.id = %s AND ended_at IS NULL AND is_active
"""
PROJECTS = """
    SELECT project.id, title, category, status,
           (SELECT count(*) FROM thinking_node WHERE project_id = project.id AND deleted_at IS NULL),
           round.id, round.number, steps.filled, steps.next_id, steps.next_type,
           project.created_at, project.updated_at, project.deleted_at, project.version
    FROM thinking_project AS project
    JOIN LATERAL (
        SELECT id, number FROM thinking_round WHERE project_id = project.id ORDER BY number DESC LIMIT 1
    ) AS round ON true
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE filled) AS filled,
               (array_agg(id ORDER BY position) FILTER (WHERE NOT filled))[1] AS next_id,
               (array_agg(type ORDER BY position) FILTER (WHERE NOT filled))[1] AS next_type
        FROM thinking_step WHERE round_id = round.id
    ) AS steps
    WHERE owner_id = %s AND project.deleted_at IS NULL
"""
LIST = f"{PROJECTS} ORDER BY updated_at DESC LIMIT 50"
COUNT = "SELECT count(*) FROM thinking_project WHERE owner_id = %s AND deleted_at IS NULL"
ONE = f"{PROJECTS} AND project.id = %s"
ROUNDS = """
    SELECT round.id, project_id, number, note,
           (SELECT count(*) FROM thinking_step WHERE round_id = round.id AND filled),
           round.created_at, round.updated_at, round.version
    FROM thinking_round AS round JOIN thinking_project AS project ON project.id = project_id
    WHERE owner_id = %s AND project_id = %s AND deleted_at IS NULL
    ORDER BY number
"""
STEPS = """
    SELECT step.id, project_id, round_id, type, content, filled, step.created_at, step.updated_at, step.version
    FROM thinking_step AS step
    JOIN thinking_round AS round ON round.id = round_id
    JOIN thinking_project AS project ON project.id = project_id
    WHERE owner_id = %s AND round_id = %s AND deleted_at IS NULL
    ORDER BY position
"""

local = threading.local()
psycopg.types.json.set_json_loads(orjson.loads)


def query(sql, *parameters):
    if not hasattr(local, "connection"):
        local.connection = psycopg.connect(DATABASE, autocommit=True)
    return local.connection.execute(sql, parameters, prepare=True).fetchall()


def project(row):
    return {
        **dict(zip(("id", "title", "category", "status"), row, strict=False)),
        "rounds_count": row[6],
        "nodes_count": row[4],
        "current_round": {
            "id": row[5],
            "number": row[6],
            "steps_filled": row[7],
            "next_step": {"id": row[8], "type": row[9]} if row[8] else None,
        },
        **dict(zip(("created_at", "updated_at", "deleted_at", "version"), row[10:], strict=True)),
    }


def page(count, results):
    return {"count": count, "next": None, "previous": None, "results": results}


def named(names, rows):
    return [dict(zip(names.split(), row, strict=True)) for row in rows]


def answer(path, token):
    claims = jwt.decode(token, KEY, algorithms=["HS256"], audience="thinkring", issuer="thinkring")
    [user] = query(USER, UUID(claims["session"]))
    match path.strip("/").split("/")[2:]:
        case ["auth", "me"]:
            [found] = named("id username email language theme", [user])
            return found
        case ["projects"]:
            return page(query(COUNT, user[0])[0][0], [project(row) for row in query(LIST, user[0])])
        case ["projects", id]:
            [row] = query(ONE, user[0], UUID(id))
            return project(row)
        case ["projects", id, "rounds"]:
            rows = query(ROUNDS, user[0], UUID(id))
            names = "id project number note steps_filled created_at updated_at version"
            return page(len(rows), named(names, rows))
        case ["rounds", id, "steps"]:
            rows = query(STEPS, user[0], UUID(id))
            names = "id project round type content filled created_at updated_at version"
            return page(len(rows), named(names, rows))


def application(environ, start_response):
    token = environ["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
    body = orjson.dumps(answer(environ["PATH_INFO"], token), option=orjson.OPT_UTC_Z)
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
