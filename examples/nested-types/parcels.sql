-- Nesting of every kind that a stream can carry, with every mix of NULL and NOT NULL.
CREATE TABLE main.default.parcels (
  id BIGINT NOT NULL,
  status STRING NOT NULL,

  -- A STRUCT that is always there, in it one that is always there, and in that one that may be missing.
  sender STRUCT<
    name: STRING NOT NULL,
    email: STRING,
    address: STRUCT<
      street: STRING,
      city: STRING NOT NULL,
      location: STRUCT<lat: DOUBLE NOT NULL, lon: DOUBLE NOT NULL>
    > NOT NULL
  > NOT NULL,

  -- The same, and any of the three may be missing. Where one is there, its NOT NULL fields are.
  recipient STRUCT<
    name: STRING NOT NULL,
    email: STRING,
    address: STRUCT<
      street: STRING,
      city: STRING NOT NULL,
      location: STRUCT<lat: DOUBLE NOT NULL, lon: DOUBLE NOT NULL>
    >
  >,

  -- A STRUCT with nothing that must be there: missing is one thing, empty another.
  note STRUCT<text: STRING, author: STRING>,

  -- STRUCTs in an ARRAY, with a STRUCT, an ARRAY and a MAP in each.
  items ARRAY<STRUCT<
    sku: STRING NOT NULL,
    price: DECIMAL(12,2) NOT NULL,
    weight: FLOAT,
    size: STRUCT<width: SMALLINT NOT NULL, height: SMALLINT NOT NULL, depth: SMALLINT>,
    tags: ARRAY<STRING> NOT NULL,
    attributes: MAP<STRING, STRING>
  >>,

  -- STRUCTs in a MAP.
  scans MAP<STRING, STRUCT<
    at: TIMESTAMP NOT NULL,
    wall_clock: TIMESTAMP_NTZ,
    attempt: TINYINT,
    photo: BINARY,
    details: VARIANT
  >> NOT NULL,

  -- ARRAYs and MAPs of values that have no JSON or protobuf type of their own.
  customs STRUCT<
    declared: DATE NOT NULL,
    holidays: ARRAY<DATE>,
    duties: MAP<STRING, DECIMAL(38,10)>,
    forms: ARRAY<BINARY>,
    answers: MAP<STRING, VARIANT>,
    raw: VARIANT
  >,

  -- No stream can carry an ARRAY or a MAP of ARRAYs. Wrapped in a STRUCT, it can.
  route ARRAY<STRUCT<points: ARRAY<DOUBLE>>>,
  legs MAP<INT, STRUCT<stops: ARRAY<STRUCT<city: STRING NOT NULL, on_time: BOOLEAN>>>>
);
