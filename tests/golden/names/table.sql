-- Names that users invent: words of protobuf and Rust, one name in two cases, names that collide in camel case.
CREATE TABLE golden.names.`2fast` (
  message STRING, option INT, string STRING, `select` INT, `type` STRING, self INT, _ INT, __ INT, _id INT, userID INT, user_id INT,
  Address STRUCT<street: STRING>, tag_list MAP<STRING, INT>, tag_list_entry STRUCT<x: INT>, a_b STRUCT<x: INT>, aB STRUCT<x: INT>,
  foo_bar MAP<STRING, INT>, fooBar MAP<STRING, INT>,
  `with space` INT, `dash-ed` INT, `ünicode` INT, `1st` INT, `tick``ed` INT,
  evil INT COMMENT 'ends here */ }; message evil {',
  noted STRING COMMENT 'first line
second line'
);
