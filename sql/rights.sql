-- Who may do what. Run last at each upgrade, when everything exists.
--
-- Called by: `syncd db upgrade`.
--
-- syncd_owner   owns the schema and migrates it
-- syncd_daemon  runs: the queue, links, calls, the log, tokens
-- syncd_admin   settings, companies, work by hand; sees everything but may not write the log or links
-- syncd_reader  the log and the views; never a token, never a body

grant usage on schema syncd to syncd_daemon, syncd_admin, syncd_reader;
revoke all on all functions in schema syncd from public;
grant execute on all functions in schema syncd to syncd_daemon;

grant select on all tables in schema syncd to syncd_daemon, syncd_admin;
grant insert, update, delete on
    syncd.outbox, syncd.outbox_bad, syncd.job, syncd.lane, syncd.worker, syncd.link, syncd.call, syncd.call_item
    to syncd_daemon;
grant insert on syncd.sync_log to syncd_daemon;
grant update on syncd.company to syncd_daemon;
grant usage on all sequences in schema syncd to syncd_daemon;

grant insert, update on syncd.company, syncd.sync_settings to syncd_admin;
grant insert, update, delete on
    syncd.account_map, syncd.item_map, syncd.employee_map, syncd.payment_method_map, syncd.tax_map
    to syncd_admin;
grant update (override) on syncd.qbo_limit to syncd_admin;
grant execute on function
    syncd.documents, syncd.judge, syncd.record_words, syncd.as_typed, syncd.company_today, syncd.was_on,
    syncd.connect_company, syncd.disconnect_company, syncd.retry, syncd.let_stand, syncd.make_again,
    syncd.change_settings, syncd.default_method_name, syncd.visit, syncd.end_visit, syncd.ask_turn, syncd.due_keys,
    syncd.pushable, syncd.push, syncd.payment_reference, syncd.make_account, syncd.account_key
    to syncd_admin;
grant execute on function
    syncd.key_of, syncd.explain, syncd.log_page, syncd.held_up, syncd.run_progress, syncd.run_outcomes,
    syncd.run_companions, syncd.mapping_uses, syncd.owed_to_mapping, syncd.to_settle
    to syncd_admin, syncd_reader;

grant select on syncd.sync_log, syncd.sync_log_view, syncd.pending, syncd.errors, syncd.lane_status, syncd.daemons,
    syncd.health, syncd.settings_changes, syncd.entity, syncd.qbo_limit,
    syncd.sync_settings, syncd.settings_history, syncd.link, syncd.job, syncd.run,
    syncd.account_map, syncd.item_map, syncd.employee_map, syncd.payment_method_map, syncd.tax_map,
    syncd.source_member, syncd.source_tax_rate, syncd.entry_badges
    to syncd_reader;
grant select (company_id, name, region, timezone, state, environment, realm_id, connected_at) on syncd.company
    to syncd_reader;
