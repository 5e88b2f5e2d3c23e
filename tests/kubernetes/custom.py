"""
The fields that ops/kubernetes uses of CloudNativePG's, its Barman Cloud plugin's and cert-manager's resources.

Their own schemas come with their installation, and not with any package that could be a requirement here. These were
written by hand from their documentation (CloudNativePG 1.30, plugin 0.16, cert-manager 1.19): a field that is misspelt
or stands in the wrong place is found, a value that only their own controllers refuse is not.
"""

TEXT = {"type": "string", "minLength": 1}
FLAG = {"type": "boolean"}
NUMBER = {"type": "integer", "minimum": 0}
QUANTITIES = {
    "type": "object",
    "additionalProperties": {"type": "string", "pattern": r"^[0-9]+(m|Mi|Gi)?$"},
}


def fields(required=(), **properties):
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def several(entry):
    return {"type": "array", "minItems": 1, "items": entry}


def choice(*words):
    return {"enum": list(words)}


NAMED = fields(["name"], name=TEXT)
KEY = fields(["name", "key"], name=TEXT, key=TEXT)
RESOURCES = fields(["requests", "limits"], requests=QUANTITIES, limits=QUANTITIES)
PLUGIN = fields(
    ["name"],
    name={"const": "barman-cloud.cloudnative-pg.io"},
    isWALArchiver=FLAG,
    enabled=FLAG,
    parameters=fields(["barmanObjectName"], barmanObjectName=TEXT, serverName=TEXT),
)
COMPRESSION = fields(compression=choice("bzip2", "gzip", "lz4", "snappy", "xz", "zstd"))

CLUSTER = fields(
    ["instances", "storage"],
    instances={"type": "integer", "minimum": 1},
    enablePDB=FLAG,
    imageCatalogRef=fields(
        ["apiGroup", "kind", "name", "major"],
        apiGroup={"const": "postgresql.cnpg.io"},
        kind=choice("ImageCatalog", "ClusterImageCatalog"),
        name=TEXT,
        major={"type": "integer", "minimum": 13},
    ),
    bootstrap={
        "oneOf": [
            fields(
                ["initdb"],
                initdb=fields(["database", "owner"], database=TEXT, owner=TEXT, localeCollate=TEXT, localeCType=TEXT),
            ),
            fields(["recovery"], recovery=fields(["source"], source=TEXT, database=TEXT, owner=TEXT, secret=NAMED)),
        ]
    },
    postgresql=fields(
        # PostgreSQL's own words for all, numbers too.
        parameters={"type": "object", "additionalProperties": {"type": "string"}},
        synchronous=fields(
            ["method", "number"],
            method=choice("any", "first"),
            number={"type": "integer", "minimum": 1},
            dataDurability=choice("required", "preferred"),
        ),
    ),
    plugins=several(PLUGIN),
    externalClusters=several(fields(["name"], name=TEXT, plugin=PLUGIN)),
    storage=fields(["size"], size=TEXT, storageClass=TEXT),
    resources=RESOURCES,
    ephemeralVolumesSizeLimit=fields(shm=TEXT, temporaryData=TEXT),
    affinity=fields(enablePodAntiAffinity=FLAG, topologyKey=TEXT, podAntiAffinityType=choice("preferred", "required")),
)
SCHEDULED_BACKUP = fields(
    ["schedule", "cluster"],
    # Six, of which the first is seconds.
    schedule={"type": "string", "pattern": r"^(\S+ ){5}\S+$"},
    immediate=FLAG,
    suspend=FLAG,
    backupOwnerReference=choice("none", "self", "cluster"),
    cluster=NAMED,
    method=choice("barmanObjectStore", "volumeSnapshot", "plugin"),
    pluginConfiguration=fields(["name"], name={"const": "barman-cloud.cloudnative-pg.io"}),
)
OBJECT_STORE = fields(
    ["configuration"],
    retentionPolicy={"type": "string", "pattern": "^[1-9][0-9]*[dwm]$"},
    configuration=fields(
        ["destinationPath"],
        destinationPath={"type": "string", "pattern": "^s3://"},
        endpointURL={"type": "string", "pattern": "^https?://"},
        s3Credentials=fields(["accessKeyId", "secretAccessKey"], accessKeyId=KEY, secretAccessKey=KEY, region=KEY),
        data=COMPRESSION,
        wal=COMPRESSION,
    ),
    instanceSidecarConfiguration=fields(resources=RESOURCES),
)
CERTIFICATE = fields(
    ["secretName", "issuerRef"],
    secretName=TEXT,
    dnsNames=several(TEXT),
    issuerRef=fields(["name"], group={"const": "cert-manager.io"}, kind=choice("Issuer", "ClusterIssuer"), name=TEXT),
)
ISSUER = fields(
    acme=fields(
        ["server", "privateKeySecretRef"],
        server={"type": "string", "pattern": "^https://"},
        email=TEXT,
        privateKeySecretRef=NAMED,
        solvers=several(fields(http01=fields(ingress=fields(ingressClassName=TEXT)))),
    )
)

SPECS = {
    "postgresql.cnpg.io/v1 Cluster": CLUSTER,
    "postgresql.cnpg.io/v1 ScheduledBackup": SCHEDULED_BACKUP,
    "barmancloud.cnpg.io/v1 ObjectStore": OBJECT_STORE,
    "cert-manager.io/v1 Certificate": CERTIFICATE,
    "cert-manager.io/v1 Issuer": ISSUER,
}
