-- The extension, which brings schema stream_ext.
create extension if not exists pg_stream_ext;
