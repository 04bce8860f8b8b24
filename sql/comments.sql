-- What a DBA sees in psql (\d+, \df+) beside each column and function meant for people.
--
-- Called by: `syncd db upgrade`, after everything else.

comment on column syncd.sync_log.log_id is
    'Grows with time; of two rows the younger one most often has the higher one.';
comment on column syncd.sync_log.occurred_at is 'When it happened. The log is partitioned by its month, in UTC.';
comment on column syncd.sync_log.company_id is 'The organization in SIP.';
comment on column syncd.sync_log.entity_type is 'Type of record; table syncd.entity has SIP''s name for each.';
comment on column syncd.sync_log.entity_id is 'The record''s key in SIP, as text.';
comment on column syncd.sync_log.entity_name is 'Name or number of the record as it was then.';
comment on column syncd.sync_log.direction is 'push: SIP to QuickBooks. pull: QuickBooks to SIP.';
comment on column syncd.sync_log.status is
    'success, error or skipped. Skipped means left out on purpose; error says why.';
comment on column syncd.sync_log.error is 'What went wrong and what to do about it, for a person. Null for a success.';
comment on column syncd.sync_log.note is
    'On a success: what was sent otherwise than it stands in SIP, e.g. an e-mail left out.';
comment on column syncd.sync_log.operation is
    'create, update ...; settle: a person said what stands; null if no call was made.';
comment on column syncd.sync_log.source is 'What made the record due: auto, manual or webhook.';
comment on column syncd.sync_log.run_id is 'The manual push, pull or import it belonged to.';
comment on column syncd.sync_log.attempt is 'Which try of this change it was, from 1.';
comment on column syncd.sync_log.next_attempt_at is 'When syncd tries again by itself; null if it does not.';
comment on column syncd.sync_log.qbo_id is 'Id of the object in QuickBooks.';
comment on column syncd.sync_log.request_id is 'The call''s requestid: repeated calls have the same.';
comment on column syncd.sync_log.http_status is 'HTTP status of the answer; null if there was none.';
comment on column syncd.sync_log.error_code is 'QuickBooks'' code of the fault, or syncd''s own.';
comment on column syncd.sync_log.error_class is
    'What kind of trouble it was: record, variance, period, stale, transient, throttle, auth or company.';
comment on column syncd.sync_log.intuit_tid is 'Intuit''s name of the call; their support asks for it.';
comment on column syncd.sync_log.duration_ms is 'How long the call took, repeats included.';
comment on column syncd.sync_log.worker_id is 'The daemon that did it.';

comment on view syncd.sync_log_view is
    'The sync log as SIP shows it: six columns under SIP''s names, after those that select a company''s rows.';
comment on column syncd.sync_log_view.company_id is 'The organization in SIP; filter by it, the log is indexed so.';
comment on column syncd.sync_log_view.log_id is 'The row of syncd.sync_log.';
comment on column syncd.sync_log_view.occurred_at is 'The same as "Timestamp", for order by and where.';
comment on column syncd.sync_log_view.entity_type is 'Type of record as syncd writes it, e.g. service_item.';
comment on column syncd.sync_log_view.entity_id is 'The record''s key in SIP, as text.';
comment on column syncd.sync_log_view."Entity Type" is
    'Customer, Service Item, Invoice, Payment, Payout or Timesheet Entry; Account: one made for the mapping.';
comment on column syncd.sync_log_view."Entity Name" is 'Name or number of the record as it was then.';
comment on column syncd.sync_log_view."Direction" is 'Push (SIP to QuickBooks) or Pull (QuickBooks to SIP).';
comment on column syncd.sync_log_view."Status" is 'Success, Error or Skipped.';
comment on column syncd.sync_log_view."Timestamp" is 'When the sync took place.';
comment on column syncd.sync_log_view."Error" is 'What went wrong and what to do about it; why it was skipped.';

comment on view syncd.pending is
    'Records on their way to QuickBooks, by themselves or once what they wait for happens.';
comment on column syncd.pending.company_id is 'The organization in SIP.';
comment on column syncd.pending.entity_type is 'Type of record.';
comment on column syncd.pending.entity_id is 'The record''s key in SIP, as text.';
comment on column syncd.pending.state is
    'pending: due. sending: a call is out. unknown: its answer never came, it is asked for again. waiting:'
    ' see waits_on.';
comment on column syncd.pending.waits_on is 'What a waiting record waits for: setting, connection, record or document.';
comment on column syncd.pending.reason is
    'Why it waits, and what keeps the record that it waits for; or how the last try ended.';
comment on column syncd.pending.waits_for_type is 'Type of the record that goes first.';
comment on column syncd.pending.waits_for_id is 'The key in SIP of the record that goes first.';
comment on column syncd.pending.attempts is 'Tries that counted so far; the third that fails is the last.';
comment on column syncd.pending.next_attempt_at is
    'Not tried before then; null: at once, or when what it waits for happens.';
comment on column syncd.pending.owed_since is 'When the oldest change was made that QuickBooks does not have.';
comment on column syncd.pending.source is 'What made it due: auto, manual or webhook.';
comment on column syncd.pending.run_id is 'The manual push that it belongs to.';

comment on view syncd.errors is
    'Records that a person has to look at. Put right: syncd retry; of diverged and variance: syncd settle.';
comment on column syncd.errors.company_id is 'The organization in SIP.';
comment on column syncd.errors.entity_type is 'Type of record.';
comment on column syncd.errors.entity_id is 'The record''s key in SIP, as text.';
comment on column syncd.errors.state is
    'error: refused. held: the books are closed. collision: something in QuickBooks may be it. diverged:'
    ' withdrawn in SIP'
    ' after it was synced. variance: QuickBooks took it otherwise than it was sent.';
comment on column syncd.errors.reason is 'What went wrong and what to do about it.';
comment on column syncd.errors.fault_class is 'What kind of trouble it was.';
comment on column syncd.errors.error_code is 'QuickBooks'' code of the fault, or syncd''s own.';
comment on column syncd.errors.attempts is 'Tries that counted.';
comment on column syncd.errors.owed_since is 'When the change was made; of a variance, when it was sent.';

comment on view syncd.lane_status is
    'One row a company: its connection, its backlog and what keeps it. syncd status shows it.';
comment on column syncd.lane_status.company_id is 'The organization in SIP.';
comment on column syncd.lane_status.name is 'What it is called.';
comment on column syncd.lane_status.region is 'us, ca or global: how tax is handled.';
comment on column syncd.lane_status.environment is 'Which of Intuit''s two worlds it is connected to.';
comment on column syncd.lane_status.realm_id is 'Intuit''s id of the company in QuickBooks.';
comment on column syncd.lane_status.connection is
    'connected, disconnected or needs_reconnect (the connection was lost).';
comment on column syncd.lane_status.refresh_expires_at is 'When the connection ends unless it is used before.';
comment on column syncd.lane_status.enable_sync is 'Enable Sync: off means that nothing goes by itself.';
comment on column syncd.lane_status.daemon is
    'Host and process of the daemon that works for it now; null: nothing to do, or none.';
comment on column syncd.lane_status.paused_because is 'Why nothing goes out now; null if it may.';
comment on column syncd.lane_status.paused_until is 'When that ends by itself; null: not before somebody acts.';
comment on column syncd.lane_status.pending is 'Records that are due or being sent.';
comment on column syncd.lane_status.unknown is 'Records that were sent and never answered; syncd asks again.';
comment on column syncd.lane_status.waiting is 'Records that wait for a switch, the connection or another record.';
comment on column syncd.lane_status.behind_others is
    'How many of the waiting wait for another record, which goes first.';
comment on column syncd.lane_status.failed is 'Records that need a person: refused, held, in collision or diverged.';
comment on column syncd.lane_status.diverged is
    'How many of the failed were changed or withdrawn in SIP after they had been synced.';
comment on column syncd.lane_status.variances is
    'Records that QuickBooks took otherwise than they were sent; they need a person too.';
comment on column syncd.lane_status.oldest is 'Since when the oldest of pending and unknown has been due.';

comment on view syncd.entry_badges is
    'What SIP shows beside an entry of an approved timesheet, dated on or after the start date, while Enable Sync and'
    ' Auto-sync Timesheets are on. Without a row there is no badge; so it is for an entry without time.';
comment on column syncd.entry_badges.company_id is 'The organization in SIP.';
comment on column syncd.entry_badges.entry_id is 'The entry''s key in SIP, in SIP''s own type.';
comment on column syncd.entry_badges.badge is 'QB Synced, QB Error, QB Pending or Employee Not Mapped.';
comment on column syncd.entry_badges.error is
    'What SIP shows below QB Error: what went wrong and what to do about it. Null beside the other badges.';

comment on view syncd.daemons is 'The daemons that are alive.';
comment on column syncd.daemons.host is 'Where it runs.';
comment on column syncd.daemons.pid is 'Its process there.';
comment on column syncd.daemons.version is 'Its version of syncd.';
comment on column syncd.daemons.started_at is 'When it started.';
comment on column syncd.daemons.alive_until is 'If it says nothing until then, others take its companies over.';
comment on column syncd.daemons.slots is 'How many companies it can work for at a time.';
comment on column syncd.daemons.lanes is 'How many companies it works for at this moment.';
comment on column syncd.daemons.on_duty is
    'Whether it is the one that takes in SIP''s changes; the others only send. As of its last heartbeat.';
comment on column syncd.daemons.polling_because is 'Why it looks all the time instead of sleeping; null: it sleeps.';
comment on column syncd.daemons.wakeups is
    'How often each cause has woken it: bell (a change in SIP), grant (a change while it fell asleep), lanes (work for '
    'it), timer, and safety (changes that only the slow look found; must stay 0).';

comment on column syncd.qbo_limit.name is 'Which limit.';
comment on column syncd.qbo_limit.amount is 'The number that syncd comes with; an upgrade may change it.';
comment on column syncd.qbo_limit.source is 'Where Intuit states it, and how syncd keeps it.';
comment on column syncd.qbo_limit.seen_on is 'When that was last read there.';
comment on column syncd.qbo_limit.override is 'Your own number, used instead. An upgrade leaves it alone.';

comment on view syncd.health is 'One row on what belongs to no company alone.';
comment on column syncd.health.daemons is 'How many daemons are alive.';
comment on column syncd.health.outbox is
    'Changes noted by SIP''s triggers that no daemon has looked at yet; near 0 while one runs.';
comment on column syncd.health.oldest_signal is 'When the oldest of them was made.';
comment on column syncd.health.outbox_bad is 'Changes that cannot be sent as they are: syncd.outbox_bad says why.';

comment on view syncd.settings_changes is
    'Who changed which setting, and when. Before the first change everything is off.';
comment on column syncd.settings_changes.company_id is 'The organization in SIP.';
comment on column syncd.settings_changes.history_id is 'Grows with time; the same for what was changed at once.';
comment on column syncd.settings_changes.changed_at is 'When.';
comment on column syncd.settings_changes.changed_by is
    'Who: the person at the command line, or the database role of who used SQL.';
comment on column syncd.settings_changes.setting is 'The column of syncd.sync_settings.';
comment on column syncd.settings_changes.was is 'Its value before; null for the first.';
comment on column syncd.settings_changes.became is 'Its value after.';

comment on column syncd.run.run_id is 'Grows with time; syncd.sync_log and syncd.pending have it too.';
comment on column syncd.run.company_id is 'The organization in SIP.';
comment on column syncd.run.entity_type is 'What was pushed.';
comment on column syncd.run.asked_by is
    'Who: the person at the command line, or the database role of who used SQL.';
comment on column syncd.run.asked_at is 'When.';
comment on column syncd.run.records is 'How many records it made due; what a later push took over is not among them.';
comment on column syncd.run.already is 'How many more QuickBooks had already, as they were.';

comment on view syncd.parts_timesheet is 'The entries of each timesheet: they are what QuickBooks gets of it.';
comment on column syncd.parts_timesheet.key is 'The timesheet''s key in SIP, in SIP''s own type.';
comment on column syncd.parts_timesheet.company_id is 'The organization in SIP.';
comment on column syncd.parts_timesheet.part_id is 'The entry''s key in SIP, as text.';

comment on function syncd.watch is
    'Notes every change of a table for sync: makes a binding and its triggers. Takes a short lock on the table.';
comment on function syncd.unwatch is 'The inverse of watch: drops the triggers and the binding.';
comment on function syncd.company_today is 'The day it is for the company, in its time zone.';
comment on function syncd.judge is 'Verdict on records as things stand now: push, skip, wait or drop. Changes nothing.';
comment on function syncd.explain is
    'All that decides whether one record is in QuickBooks. syncd explain puts it in sentences.';
comment on function syncd.log_page is 'A page of a company''s log, newest first; a null filter is left out.';
comment on function syncd.payment_reference is
    'By what a payment of SIP can be found in QuickBooks: its reference number there.';
comment on function syncd.key_of is 'A key as SIP prints it; null if the text cannot be one.';
comment on function syncd.retry is
    'Makes records due again that need a person, and what they wait for: one, or with null all of the company. Returns'
    ' how many.';
comment on function syncd.push is
    'Makes all records of a kind due that QuickBooks does not have as they are, in the name of a person. Returns the'
    ' run.';
comment on function syncd.pushable is
    'What a push of this kind is about, and what of it QuickBooks has. Changes nothing.';
comment on function syncd.due_keys is 'The keys of all records of a kind that QuickBooks should know of.';
comment on function syncd.held_up is 'What keeps a record that others wait for; null if it is on its way.';
comment on function syncd.run_companions is
    'What became of the records that went first in a push, since those it is about need them.';
comment on function syncd.run_outcomes is 'What became of the records of a push: how many, and why.';
comment on function syncd.change_settings is
    'Changes settings (columns of sync_settings as JSON) in the name of a person; returns them before and after.';
comment on function syncd.connect_company is
    'Stores a connection with encrypted tokens and opens the lane. syncd company connect tries the tokens first.';

comment on view syncd.linked is 'What QuickBooks has, in the company that is connected now.';
comment on column syncd.linked.company_id is 'The organization in SIP.';
comment on column syncd.linked.entity_type is 'Type of record.';
comment on column syncd.linked.sip_id is 'The record''s key in SIP, as text.';
comment on column syncd.linked.qbo_id is 'Its id in QuickBooks.';
comment on column syncd.linked.document is 'What was sent last.';

-- Each document_* view has the same columns, whatever entities are installed.
do $$
declare
    name text;
begin
    for name in
        select c.relname from pg_class c
        where c.relnamespace = 'syncd'::regnamespace and c.relkind = 'v' and c.relname like 'document\_%'
    loop
        execute format('comment on view syncd.%I is %L', name,
                       'What QuickBooks is told of each record of this type, as SIP holds it now.');
        execute format('comment on column syncd.%I.key is %L', name, 'The record''s key in SIP, in SIP''s own type.');
        execute format('comment on column syncd.%I.company_id is %L', name, 'The organization in SIP.');
        execute format('comment on column syncd.%I.entity_name is %L', name,
                       'Name or number that people know it by.');
        execute format('comment on column syncd.%I.due is %L', name,
                       'Whether QuickBooks should know of it in its present state.');
        execute format('comment on column syncd.%I.skip is %L', name,
                       'Why it is left out although it is due, else null.');
        execute format('comment on column syncd.%I.missing is %L', name,
                       'The records that it refers to and that QuickBooks does not have yet: they go first.');
        execute format('comment on column syncd.%I.unready is %L', name,
                       'Why it is not whole yet, else null.');
        if exists (select from pg_attribute a
                   where a.attrelid = to_regclass('syncd.' || name) and a.attname = 'undue') then
            execute format('comment on column syncd.%I.undue is %L', name,
                           'Why it is not due, where "withdrawn" would not be true; else null.');
        end if;
        if exists (select from pg_attribute a
                   where a.attrelid = to_regclass('syncd.' || name) and a.attname = 'company_key') then
            execute format('comment on column syncd.%I.company_key is %L', name,
                           'The organization in SIP, in SIP''s own type.');
        end if;
        execute format('comment on column syncd.%I.document is %L', name,
                       'All that QuickBooks is told of it, in canonical form.');
    end loop;
end
$$;

comment on column syncd.account_map.company_id is 'The organization in SIP.';
comment on column syncd.account_map.environment is 'Which of Intuit''s two worlds; left out: of the connection now.';
comment on column syncd.account_map.realm_id is
    'The company in QuickBooks that the id is of; left out: the one connected now. Used for no other.';
comment on column syncd.account_map.slot is
    'What the account is for: income, expenses (of items, outside the United States), discounts, undeposited_funds,'
    ' checking, payment_fees, refunds_clearing, disputed_payments or undistributed_tips.';
comment on column syncd.account_map.qbo_id is 'Id of the account in QuickBooks.';
comment on column syncd.account_map.qbo_name is 'Its name when it was chosen; the id is what counts.';
comment on column syncd.account_map.updated_by is
    'Who chose it: the person at the command line, or the database role of who used SQL.';
comment on column syncd.account_map.updated_at is 'When.';

comment on column syncd.account_wish.company_id is 'The organization in SIP.';
comment on column syncd.account_wish.environment is 'Which of Intuit''s two worlds.';
comment on column syncd.account_wish.realm_id is 'The company in QuickBooks in which the account is to be made.';
comment on column syncd.account_wish.slot is 'What the account is for; see account_map.';
comment on column syncd.account_wish.name is 'Its name. Once it is there, account_map has it.';
comment on column syncd.account_wish.type is 'Its AccountType in QuickBooks.';
comment on column syncd.account_wish.sub_type is 'Its AccountSubType in QuickBooks.';
comment on column syncd.account_wish.asked_by is 'The person at the command line.';
comment on column syncd.account_wish.asked_at is 'When.';

comment on column syncd.item_map.company_id is 'The organization in SIP.';
comment on column syncd.item_map.environment is 'Which of Intuit''s two worlds; left out: of the connection now.';
comment on column syncd.item_map.realm_id is
    'The company in QuickBooks that the id is of; left out: the one connected now. Used for no other.';
comment on column syncd.item_map.slot is
    'lines: of invoice lines that have no service item. time: of time entries. Without a row syncd makes an item'
    ' "SIP Services" at first need.';
comment on column syncd.item_map.qbo_id is 'Id of the item in QuickBooks.';
comment on column syncd.item_map.qbo_name is 'Its name when it was chosen; the id is what counts.';
comment on column syncd.item_map.updated_by is
    'Who chose it: the person at the command line, or the database role of who used SQL.';
comment on column syncd.item_map.updated_at is 'When.';

comment on column syncd.employee_map.company_id is 'The organization in SIP.';
comment on column syncd.employee_map.environment is 'Which of Intuit''s two worlds; left out: of the connection now.';
comment on column syncd.employee_map.realm_id is
    'The company in QuickBooks that the id is of; left out: the one connected now. Used for no other.';
comment on column syncd.employee_map.member_id is 'The member in SIP: key of syncd.source_member, as text.';
comment on column syncd.employee_map.qbo_type is 'Employee or Vendor.';
comment on column syncd.employee_map.qbo_id is 'Id of the employee or vendor in QuickBooks; of one member only.';
comment on column syncd.employee_map.qbo_name is 'The name when it was chosen; the id is what counts.';
comment on column syncd.employee_map.updated_by is
    'Who chose it: the person at the command line, or the database role of who used SQL.';
comment on column syncd.employee_map.updated_at is 'When.';

comment on column syncd.payment_method_map.company_id is 'The organization in SIP.';
comment on column syncd.payment_method_map.method is
    'SIP''s method: card, ach, apple_pay, cash, check, zelle or other.';
comment on column syncd.payment_method_map.qbo_name is
    'The name that payments get in QuickBooks, where it is made if it is not there. Up to 31 characters.';
comment on column syncd.payment_method_map.updated_by is
    'Who chose it: the person at the command line, or the database role of who used SQL.';
comment on column syncd.payment_method_map.updated_at is 'When.';

comment on column syncd.tax_map.company_id is 'The organization in SIP.';
comment on column syncd.tax_map.environment is 'Which of Intuit''s two worlds; left out: of the connection now.';
comment on column syncd.tax_map.realm_id is
    'The company in QuickBooks that the id is of; left out: the one connected now. Used for no other.';
comment on column syncd.tax_map.slot is 'A tax rate of SIP as a percentage (8.25), or untaxed.';
comment on column syncd.tax_map.qbo_id is 'Id of the tax code in QuickBooks.';
comment on column syncd.tax_map.qbo_name is 'Its name when it was chosen; the id is what counts.';
comment on column syncd.tax_map.rates is
    'The sales rates that the code consists of: [{"rate_ref": id, "percent": number, "name": text}]. They come to the'
    ' slot.';
comment on column syncd.tax_map.updated_by is
    'Who chose it: the person at the command line, or the database role of who used SQL.';
comment on column syncd.tax_map.updated_at is 'When.';

comment on function syncd.disconnect_company is
    'Ends a company''s connection to QuickBooks and returns its encrypted tokens, which nobody else has then.';
