-- Who answers, which database the session is in, as whom, by which number. MySQL 8.0+, MariaDB 10.6+.
-- https://dev.mysql.com/doc/refman/8.4/en/information-functions.html
SELECT CAST(VERSION() AS CHAR) AS version, CAST(COALESCE(DATABASE(), '') AS CHAR) AS default_schema,
       CAST(CURRENT_USER() AS CHAR) AS account, CAST(CONNECTION_ID() AS UNSIGNED) AS id,
       CAST(CONCAT_WS(':', @@hostname, @@port, @@server_id) AS CHAR) AS server;
