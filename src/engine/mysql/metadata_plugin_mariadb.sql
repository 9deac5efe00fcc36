-- Whether metadata locks can be seen. MariaDB 10.6+. https://mariadb.com/kb/en/metadata-lock-info-plugin/
SELECT 1 FROM information_schema.PLUGINS WHERE PLUGIN_NAME = 'METADATA_LOCK_INFO' AND PLUGIN_STATUS = 'ACTIVE';
