-- protobuf's compilers take 31 levels of messages, the table counted as one.
CREATE TABLE golden.nesting.deep (
  most STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<x: INT>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>,
  too_deep STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<s: STRUCT<x: INT>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>,
  through_arrays ARRAY<STRUCT<l: ARRAY<STRUCT<m: MAP<STRING, STRUCT<x: INT>>>>>>
);
