-- Names that protobuf takes as they are and Rust does not.
CREATE TABLE main.default.`Option` (
  type STRING,
  self INT,
  self_ INT,
  `_` INT,
  `__` INT,
  userID INT,
  user_id INT,
  fn STRUCT<match: INT, `String`: STRUCT<x: INT>>,
  String STRUCT<x: INT>,
  Option STRUCT<Vec: ARRAY<STRUCT<x: INT>>>,
  max INT,
  a__b INT,
  message STRING
);
