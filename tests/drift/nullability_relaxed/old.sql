CREATE TABLE main.default.t (
  id BIGINT NOT NULL,
  s STRUCT<z: INT NOT NULL>
);
