-- Comments of columns end up in the .proto text, and must not end there what they stand in.
CREATE TABLE golden.text.comments (
  a INT COMMENT '*/ } message x {',
  b INT COMMENT 'one\ntwo\r\nthree\rfour',
  c INT COMMENT '// "quoted" \'and\' \\ back',
  d INT COMMENT '',
  e STRUCT<f: INT COMMENT 'nested\n\n  comment', g: ARRAY<STRUCT<h: INT COMMENT 'deeper'>> COMMENT 'of an array'> COMMENT 'of a struct',
  i INT COMMENT 'tab	and bell',
  j INT COMMENT 'Größe · 大きさ'
) COMMENT 'about the table */';
