import type { components } from './schema';

type Schemas = components['schemas'];

export type User = Schemas['User'];
export type Credentials = Schemas['LoginRequest'];
export type NewAccount = Schemas['RegisterRequest'];
export type Project = Schemas['Project'];
export type Status = Project['status'];
export type Node = Schemas['Node'];
export type StepType = Schemas['StepType'];
