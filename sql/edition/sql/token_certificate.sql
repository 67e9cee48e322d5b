-- The Agora certificates, from Supabase Vault. They are read for each token and never kept; no error, log line or setting ever holds
-- one. This edition reads no file.
create function stream_ext.certificate_vault_is_open() returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Read from the catalogue: a name in a schema that may not be used raises.
    return exists (
        select from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where n.nspname = 'vault' and c.relname = 'decrypted_secrets'
            and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select'));
end
$$;
comment on function stream_ext.certificate_vault_is_open() is 'Whether the Vault exists and the effective user may read it.';

create function stream_ext.certificate_read(
    is_secondary boolean, needs_app boolean, out app_id text, out certificate text, out code text, out hint text
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    settings pg_catalog.record;
    is_well_formed pg_catalog.bool;
    file_setting constant pg_catalog.text :=
        case when $1 then 'pg_stream_ext.agora_secondary_certificate_file' else 'pg_stream_ext.agora_certificate_file' end;
    config_column constant pg_catalog.text := case when $1
        then 'stream.config.agora_secondary_certificate_secret' else 'stream.config.agora_certificate_secret' end;
begin
    select c.agora_app_id,
        case when $1 then c.agora_secondary_certificate_secret else c.agora_certificate_secret end as secret_name
    into settings
    from stream.config as c where c.id;
    app_id := settings.agora_app_id;
    if app_id is null and $2 then
        code := 'not_configured';
        hint := 'set stream.config.agora_app_id to the Agora App ID';
        return;
    end if;
    -- Where the library is loaded all the same, Postgres shows the setting to few; the move to this edition has looked at it.
    if (current_setting('pg_stream_ext.database', true) is null or pg_has_role('pg_read_all_settings', 'usage'))
        and coalesce(current_setting(file_setting, true), '') <> ''
    then
        -- Without the library any caller may set the name, for all who get the connection later. This view lists no such placeholder.
        if exists (select from pg_settings as s where s.name = file_setting and s.setting <> '') then
            -- Falling back would sign with another certificate than the operator has named.
            code := 'certificate_missing';
            hint := format('%s names a file, which this edition cannot read: store the certificate in Vault and reset the setting', file_setting);
            return;
        end if;
    end if;
    if settings.secret_name is null then
        return;
    end if;
    begin
        select d.decrypted_secret into certificate from vault.decrypted_secrets as d where d.name = settings.secret_name;
    exception
        when others then
            -- Its text could quote anything.
            code := 'vault_unreadable';
            if not stream_ext.certificate_vault_is_open() then
                hint := format('the owner of the tables may not read vault.decrypted_secrets, and %s is not set', file_setting);
                return;
            end if;
            hint := 'vault.decrypted_secrets raised an error of its own: read it as the owner of the tables';
            return;
    end;
    if certificate is null then
        code := 'certificate_missing';
        hint := format('create the Vault secret that %s names', config_column);
        return;
    end if;
    if length(certificate) <> 32 then
        certificate := btrim(certificate, e' \t\n\r\u000b\u000c');
    end if;
    -- A regular expression takes ten times as long, and translate five times.
    begin
        is_well_formed := length(certificate) = 32 and octet_length(decode(certificate, 'hex')) = 16;
    exception
        when others then
            is_well_formed := false;
    end;
    if not is_well_formed then
        certificate := null;
        code := 'certificate_malformed';
        hint := format('the Vault secret that %s names does not hold 32 hexadecimal digits', config_column);
    end if;
end
$$;
comment on function stream_ext.certificate_read(boolean, boolean) is
    'App ID and certificate; or the code and hint of the refusal. A secondary certificate that is not configured is null without a code.';

create function stream_ext.check_certificate(is_secondary boolean) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    found_certificate pg_catalog.record;
begin
    select c.certificate is not null as is_there, c.code, c.hint into found_certificate
    from stream_ext.certificate_read(coalesce($1, false), true) as c;
    if found_certificate.code is not null then
        perform stream_ext.refuse_with_hint(found_certificate.code, found_certificate.hint);
    end if;
    return found_certificate.is_there;
end
$$;
comment on function stream_ext.check_certificate(boolean) is
    'Whether a certificate is configured. Raises when it cannot be used, or without an App ID. The certificate itself is never returned.';
