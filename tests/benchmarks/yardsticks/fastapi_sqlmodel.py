"""
FastAPI with SQLModel, as the full-stack-fastapi-template writes it: `def` endpoints, a session and the current user as
dependencies, a response model for each answer, relationships loaded with `selectinload`.
"""

import os
import uuid
from collections.abc import Generator
from datetime import datetime
from typing import Annotated, Any

import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer
from jwt.exceptions import InvalidTokenError
from pydantic import BaseModel
from sqlalchemy import Column, DateTime
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import column_property, selectinload
from sqlmodel import Field, Relationship, Session, SQLModel, create_engine, func, select

environment = os.environ
engine = create_engine(
    f"postgresql+psycopg://{environment['DB_USER']}:{environment['DB_PASSWORD']}"
    f"@{environment['DB_HOST']}/{environment['DB_NAME']}"
)


def moment(**arguments):
    return Field(sa_column=Column(DateTime(timezone=True), **arguments))


class UserPublic(SQLModel):
    id: uuid.UUID
    username: str
    email: str
    language: str
    theme: str


class User(UserPublic, table=True):
    __tablename__ = "accounts_user"
    id: uuid.UUID = Field(primary_key=True)
    is_active: bool


class Node(SQLModel, table=True):
    __tablename__ = "thinking_node"
    id: uuid.UUID = Field(primary_key=True)
    project_id: uuid.UUID | None
    deleted_at: datetime | None = moment()


class Step(SQLModel, table=True):
    __tablename__ = "thinking_step"
    id: uuid.UUID = Field(primary_key=True)
    round_id: uuid.UUID = Field(foreign_key="thinking_round.id")
    type: str
    position: int
    content: dict[str, Any] = Field(sa_column=Column(JSONB))
    filled: bool
    created_at: datetime = moment()
    updated_at: datetime = moment()
    version: int
    round_of: "Round" = Relationship(back_populates="steps")

    @property
    def round(self):
        return self.round_id

    @property
    def project(self):
        return self.round_of.project_id


class Round(SQLModel, table=True):
    __tablename__ = "thinking_round"
    id: uuid.UUID = Field(primary_key=True)
    project_id: uuid.UUID = Field(foreign_key="thinking_project.id")
    number: int
    note: str
    created_at: datetime = moment()
    updated_at: datetime = moment()
    version: int
    project_of: "Project" = Relationship(back_populates="rounds")
    steps: list[Step] = Relationship(back_populates="round_of", sa_relationship_kwargs={"order_by": "Step.position"})

    @property
    def project(self):
        return self.project_id

    @property
    def steps_filled(self):
        return sum(step.filled for step in self.steps)

    @property
    def next_step(self):
        return next((step for step in self.steps if not step.filled), None)


class Project(SQLModel, table=True):
    __tablename__ = "thinking_project"
    id: uuid.UUID = Field(primary_key=True)
    owner_id: uuid.UUID = Field(foreign_key="accounts_user.id")
    title: str
    category: str
    status: str
    created_at: datetime = moment()
    updated_at: datetime = moment()
    deleted_at: datetime | None = moment()
    version: int
    rounds: list[Round] = Relationship(back_populates="project_of", sa_relationship_kwargs={"order_by": "Round.number"})

    @property
    def rounds_count(self):
        return len(self.rounds)

    @property
    def current_round(self):
        return self.rounds[-1]


Project.nodes_count = column_property(
    select(func.count(Node.id)).where(Node.project_id == Project.id, Node.deleted_at.is_(None)).scalar_subquery()
)


class NextStep(SQLModel):
    id: uuid.UUID
    type: str


class CurrentRound(SQLModel):
    id: uuid.UUID
    number: int
    steps_filled: int
    next_step: NextStep | None


class ProjectPublic(SQLModel):
    id: uuid.UUID
    title: str
    category: str
    status: str
    rounds_count: int
    nodes_count: int
    current_round: CurrentRound
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    version: int


class RoundPublic(SQLModel):
    id: uuid.UUID
    project: uuid.UUID
    number: int
    note: str
    steps_filled: int
    created_at: datetime
    updated_at: datetime
    version: int


class StepPublic(SQLModel):
    id: uuid.UUID
    project: uuid.UUID
    round: uuid.UUID
    type: str
    content: dict[str, Any]
    filled: bool
    created_at: datetime
    updated_at: datetime
    version: int


class Page(SQLModel):
    count: int
    next: str | None = None
    previous: str | None = None


class ProjectsPublic(Page):
    results: list[ProjectPublic]


class RoundsPublic(Page):
    results: list[RoundPublic]


class StepsPublic(Page):
    results: list[StepPublic]


def get_db() -> Generator[Session, None, None]:
    with Session(engine) as session:
        yield session


SessionDep = Annotated[Session, Depends(get_db)]
TokenDep = Annotated[str, Depends(OAuth2PasswordBearer(tokenUrl="/api/v1/auth/login/"))]


class TokenPayload(BaseModel):
    user_id: uuid.UUID


def get_current_user(session: SessionDep, token: TokenDep) -> User:
    try:
        key = environment["JWT_SECRET_KEY"]
        payload = jwt.decode(token, key, algorithms=["HS256"], audience="thinkring", issuer="thinkring")
        token_data = TokenPayload(**payload)
    except InvalidTokenError as error:
        raise HTTPException(status_code=403, detail="Could not validate credentials") from error
    user = session.get(User, token_data.user_id)
    if not user:
        raise HTTPException(status_code=404, detail="User not found")
    if not user.is_active:
        raise HTTPException(status_code=400, detail="Inactive user")
    return user


CurrentUser = Annotated[User, Depends(get_current_user)]

app = FastAPI()
# The list does not show what is written in the steps, so it does not load that.
WITH_PROGRESS = (
    selectinload(Project.rounds)
    .selectinload(Round.steps)
    .load_only(Step.round_id, Step.type, Step.position, Step.filled)
)


@app.get("/api/v1/auth/me/", response_model=UserPublic)
def read_user_me(current_user: CurrentUser) -> Any:
    return current_user


@app.get("/api/v1/projects/", response_model=ProjectsPublic)
def read_projects(session: SessionDep, current_user: CurrentUser, skip: int = 0, limit: int = 50) -> Any:
    own = Project.owner_id == current_user.id, Project.deleted_at.is_(None)
    count = session.exec(select(func.count()).select_from(Project).where(*own)).one()
    statement = select(Project).where(*own).options(WITH_PROGRESS).order_by(Project.updated_at.desc())
    projects = session.exec(statement.offset(skip).limit(limit)).all()
    return {"count": count, "results": projects}


def own_project(session: Session, user: User, id: uuid.UUID, *options) -> Project:
    project = session.get(Project, id, options=options)
    if not project or project.deleted_at or project.owner_id != user.id:
        raise HTTPException(status_code=404, detail="Project not found")
    return project


@app.get("/api/v1/projects/{id}/", response_model=ProjectPublic)
def read_project(session: SessionDep, current_user: CurrentUser, id: uuid.UUID) -> Any:
    return own_project(session, current_user, id, WITH_PROGRESS)


@app.get("/api/v1/projects/{id}/rounds/", response_model=RoundsPublic)
def read_rounds(session: SessionDep, current_user: CurrentUser, id: uuid.UUID) -> Any:
    project = own_project(session, current_user, id, WITH_PROGRESS)
    return {"count": len(project.rounds), "results": project.rounds}


@app.get("/api/v1/rounds/{id}/steps/", response_model=StepsPublic)
def read_steps(session: SessionDep, current_user: CurrentUser, id: uuid.UUID) -> Any:
    round = session.get(Round, id, options=[selectinload(Round.steps)])
    if not round:
        raise HTTPException(status_code=404, detail="Round not found")
    own_project(session, current_user, round.project_id)
    return {"count": len(round.steps), "results": round.steps}
