import type { components } from './schema';

type Schemas = components['schemas'];

export type User = Schemas['User'];
export type Credentials = Schemas['LoginRequest'];
export type NewAccount = Schemas['RegisterRequest'];
export type Session = Schemas['Session'];
export type Totp = Schemas['Totp'];
export type TotpSecret = Schemas['TotpSecret'];

export type Project = Schemas['Project'];
export type Status = Project['status'];
export type Round = Schemas['Round'];
export type Step = Schemas['Step'];
export type StepType = Schemas['StepType'];
export type Revision = Schemas['Revision'];
export type WholeRevision = Schemas['WholeRevision'];
export type Word = Schemas['Keyword'];

export type Diff = Schemas['Diff'];
export type StepDiff = Schemas['StepDiff'];
export type Line = Schemas['Line'];
export type Run = Schemas['Run'];

export type Node = Schemas['Node'];
export type NodeDetail = Schemas['NodeDetail'];
export type Link = Schemas['Link'];
export type NewLink = Schemas['NewLinkRequest'];
export type Reference = Schemas['Reference'];
export type Graph = Schemas['Graph'];

export type Hit = Schemas['SearchResult'];
/** What lies in the trash. */
export type Thing = Schemas['Trash'];
export type Report = Schemas['Report'];
export type Ignored = Schemas['Ignored'];
