-- One namespace for the fields, messages and entries of a message, at every level.
CREATE TABLE golden.names.collisions (
  collisions STRUCT<collisions: STRUCT<collisions: INT>>,
  deep STRUCT<
    Address: STRUCT<Address: STRUCT<address_: INT>>,
    tag: MAP<STRING, INT>, tag_entry: STRUCT<x: INT>, TagEntry: INT,
    fooBar: MAP<STRING, INT>, foo_bar: MAP<STRING, STRUCT<x: INT>>
  >,
  items ARRAY<STRUCT<items: ARRAY<STRUCT<items: ARRAY<STRUCT<x: INT>>>>>>,
  Items_ MAP<STRING, STRUCT<x: INT>>,
  item STRUCT<x: INT>, Item_ STRUCT<x: INT>,
  string STRUCT<int32: STRUCT<group: STRUCT<message: INT>>>,
  `group` STRUCT<x: INT>, bool STRUCT<x: INT>, bytes STRUCT<x: INT>, Bytes2 STRUCT<x: INT>
);
