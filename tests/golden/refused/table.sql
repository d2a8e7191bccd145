-- What no stream can carry, all of it told at once; NOT NULL decides nothing here.
CREATE TABLE golden.refused.types (
  ok INT,
  void_column VOID,
  months INTERVAL YEAR TO MONTH,
  days INTERVAL DAY TO SECOND NOT NULL,
  clock TIME(6),
  shape GEOMETRY(4326),
  place GEOGRAPHY(4326),
  arrays ARRAY<ARRAY<INT>>,
  maps ARRAY<MAP<STRING, INT>>,
  map_of_arrays MAP<STRING, ARRAY<INT>>,
  map_of_maps MAP<STRING, MAP<STRING, INT>>,
  void_array ARRAY<VOID>,
  empty STRUCT<>,
  only_refused STRUCT<v: INTERVAL DAY>,
  deep STRUCT<ok: INT, list: ARRAY<STRUCT<bad: MAP<DOUBLE, INT>, worse: INTERVAL MONTH>>>,
  `a-b` INT, `a b` INT, `ö` INT, `9` INT, `a.b` STRUCT<`c d`: INT>
);
