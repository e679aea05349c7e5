//! Every bound of the contract, in one place. What happens at each bound stands with it.

/// A request body, decompressed, in bytes. Beyond: 413 `body_too_large`.
pub const BODY_BYTES_MAX: usize = 500 * 1024;
/// One event as JSON text, in bytes. Beyond: the event is rejected, `event_too_large`.
pub const EVENT_BYTES_MAX: usize = 32 * 1024;
/// One event as it is stored, in bytes, where a number takes 9; its record fits into a message of every queue. Beyond: the
/// event is rejected, `event_too_large`.
pub const EVENT_STORED_BYTES_MAX: usize = 56 * 1024;
/// Events in one batch or socket frame; the dedupe window is as long, so that a whole batch can be sent
/// again. Beyond: 413 `batch_too_long`.
pub const BATCH_EVENTS_MAX: usize = 500;
/// A frame on the socket, in bytes. Beyond: an `error` message and the socket is closed (1009).
pub const FRAME_BYTES_MAX: usize = 128 * 1024;
/// Depth of nesting of an event's JSON. Beyond: rejected, `too_deep`.
pub const NESTING_DEPTH_MAX: usize = 10;
/// Members of one JSON object anywhere. Beyond: rejected, `malformed`.
pub const OBJECT_MEMBERS_MAX: usize = 256;
/// An event's id (`messageId`), in bytes. Beyond: rejected, `too_long`.
pub const EVENT_ID_BYTES_MAX: usize = 128;
/// An event's name, in bytes. Beyond: rejected, `too_long`.
pub const EVENT_NAME_BYTES_MAX: usize = 128;
/// `anonymousId` and `userId`, in bytes. Beyond: rejected, `too_long`.
pub const FOREIGN_ID_BYTES_MAX: usize = 256;
/// A product id, sku, order id, currency or category, in bytes. Beyond: cut at a character boundary.
pub const TEXT_BYTES_MAX: usize = 128;
/// A URL, title, or referrer kept in state, in bytes. Beyond: cut at a character boundary.
pub const URL_BYTES_MAX: usize = 512;
/// A tab id or page view id, in bytes. Beyond: rejected, `too_long`.
pub const TAB_BYTES_MAX: usize = 40;
/// Products of one event (GA4's own bound). Beyond: rejected, `too_many`.
pub const EVENT_PRODUCTS_MAX: usize = 200;
/// The largest amount of money, in whole units of its currency, either sign. Beyond: rejected, `out_of_range`.
pub const AMOUNT_UNITS_MAX: f64 = 1_000_000_000.0;
/// The largest quantity of one line. Beyond: rejected, `out_of_range`.
pub const QUANTITY_MAX: u32 = 1_000_000;
/// Lines of the cart in state. When full: a new line is dropped and `cart_lines_dropped` counts it.
pub const CART_LINES_MAX: usize = 50;
/// Traits of a profile. When full: a new trait is dropped and `traits_dropped` counts it.
pub const TRAITS_MAX: usize = 32;
/// One trait's value as JSON, in bytes. Beyond: dropped and counted.
pub const TRAIT_BYTES_MAX: usize = 256;
/// Groups of a visitor and of a user that are kept. When full: the one joined longest ago goes.
pub const MEMBERSHIPS_MAX: usize = 8;
/// A group's traits as JSON, in bytes. Beyond: the group is kept without them and `traits_dropped` counts it.
pub const GROUP_TRAITS_BYTES_MAX: usize = 1024;
/// Orders and refunds of a visitor kept one by one, so that one that several devices report counts once for their user.
/// When full: the oldest is kept in the sums only; a report of it by another device would count again, and a refund that
/// says no amount takes nothing back of it.
pub const LEDGER_MAX: usize = 32;
/// Spans of activity of a visitor that events with an earlier time of their own may still extend. When full: the oldest is
/// only counted.
pub const VISITS_MAX: usize = 8;
/// Users that a visitor was said to be, remembered for events that come late. When full: the one said longest ago goes.
pub const LINKS_MAX: usize = 4;
/// Changes of user of one visitor on one day (UTC). Beyond: the event counts, its user does not, a record
/// `user_refused` says so and the user's profile is not shown before the visitor's user is attested again.
pub const USER_CHANGES_MAX: u32 = 50;
/// Users that may hold something of a visitor who changes user while they cannot be reached. When full: the next user waits
/// until those have given it back.
pub const FED_USERS_MAX: usize = 4;
/// Visitors of one user. When full: of those deleted since, the one silent longest is folded into a sum for good; if there is
/// none, a new one is refused, and audited, and asks once more with each of its sessions.
pub const USER_VISITORS_MAX: usize = 64;
/// Visitors of one user beyond that, who came to another user while it was becoming this one. When full: they wait there, and
/// count for that one, until there is room.
pub const USER_LATE_VISITORS_MAX: usize = 16;
/// What one visitor brings to its user, as it is stored, in bytes. Beyond: traits of groups are left out, of the group joined
/// longest ago first, then the traits set longest ago; `left_out` in the user's view counts them. They stay with the visitor.
pub const USER_CONTRIBUTION_BYTES_MAX: usize = 12 * 1024;
/// A user as it is stored, in bytes: what all other bounds together let it become, below the platform's 2 MB for a row.
pub const USER_BYTES_MAX: usize = 1_500_000;
/// Visitors that say they are a user without proof, remembered for operators. When full: the oldest claim goes.
pub const USER_CLAIMS_MAX: usize = 32;
/// Visitors of a user that are remembered since they were withdrawn or found no room, so that a late message of theirs
/// changes nothing. When full: the oldest goes.
pub const USER_WITHDRAWN_MAX: usize = 32;
/// Users that become one with a user. Beyond: the merge is refused, audited and recorded as `user_refused`.
pub const USER_MERGES_MAX: usize = 16;
/// Refused merges that a user remembers, so that a copy which comes late is refused as well. When full: the oldest goes.
pub const USER_REFUSED_MAX: usize = 16;
/// Users that a visitor's letter is forwarded over, when users have become others one after the other. Beyond: the merge
/// that would make the way longer is refused, and audited.
pub const USER_FORWARDS_MAX: usize = 64;
/// Entries of a user's audit trail. When full: the oldest goes.
pub const USER_AUDIT_MAX: usize = 32;
/// Recently viewed products and categories kept. When full: the oldest goes.
pub const RECENT_PRODUCTS_MAX: usize = 10;
/// Recent pages of a session kept. When full: the oldest goes.
pub const RECENT_PAGES_MAX: usize = 10;
/// Tabs open at once. When full: the tab least recently active goes.
pub const TABS_MAX: usize = 8;
/// Event ids remembered against repeats. When full: the oldest goes.
pub const DEDUPE_WINDOW: usize = BATCH_EVENTS_MAX;
/// Pushes kept for a reconnecting page. When full: the oldest goes and `pushes_dropped` counts it.
pub const MAILBOX_MAX: usize = 16;
/// All content in the mailbox as JSON, in bytes. When full: the oldest push goes and `pushes_dropped` counts it.
pub const MAILBOX_BYTES_MAX: usize = 4 * 1024;
/// Pushes that are taken back when they no longer hold, and retractions kept for a reconnecting page, each. When full: the
/// oldest goes, that push stays until it expires, and `retractions_dropped` counts it.
pub const RETRACTIONS_MAX: usize = MAILBOX_MAX;
/// One push's rendered content as JSON, in bytes. Beyond: the push is not made and `pushes_too_large` counts it.
pub const PUSH_BYTES_MAX: usize = 2 * 1024;
/// The hot row without its records, in bytes. What grows beyond it goes to cold pages that are written only when they
/// change.
pub const HOT_BYTES_MAX: usize = 8 * 1024;
/// Records that wait for their flush, in bytes. Beyond: they are flushed at once.
pub const OUTBOX_WAITING_BYTES_MAX: usize = 16 * 1024;
/// Records kept in the hot row, in bytes; more than the bound above, so that a flush is back before it is reached.
/// Beyond: they move to a cold page.
pub const OUTBOX_HOT_BYTES_MAX: usize = 24 * 1024;
/// Records of one cold page, in bytes; one of many stays far below the platform's 2 MB for a value. Beyond: another page.
pub const OUTBOX_PAGE_BYTES_MAX: usize = 256 * 1024;
/// Order ids remembered, so that one order reported twice counts once. When full: the oldest goes.
pub const ORDERS_REMEMBERED_MAX: usize = 8;
/// Rules whose firings are remembered for their limits. When full: the one that fired longest ago goes.
pub const FIRINGS_MAX: usize = 64;
/// Names of groups whose last firing is remembered. When full: the group that fired longest ago goes and `groups_dropped`
/// counts it.
pub const GROUPS_MAX: usize = 16;
/// Starts of rules that are pending. When full: a new one is not begun and `starts_dropped` counts it.
pub const STARTS_MAX: usize = 32;
/// Starts at once that one happening may lead to, those included to which they lead in turn. Beyond: the rest is dropped
/// and `starts_dropped` counts it.
pub const STARTS_AT_ONCE_MAX: usize = 16;
/// Starts that come due while the visitor does nothing, and waits of absences that the end of another wait begins, together.
/// Beyond: a start that is due is dropped and `starts_dropped` counts it, a wait is not begun and `partials_dropped` counts
/// it, so that rules which start each other for later, or end each other's silence, come to an end as well.
pub const UNATTENDED_MAX: usize = 64;
/// The data of one record that a rule emits, as JSON, in bytes. Beyond: it is not emitted and `emitted_too_large` counts it.
pub const EMITTED_BYTES_MAX: usize = 4 * 1024;
/// Dwell clocks running at once. When full: a new one is not begun and `dwells_dropped` counts it.
pub const DWELLS_MAX: usize = 64;
/// Firings remembered per rule for a cap over a period. A cap above it is refused by `compile`.
pub const CAP_COUNT_MAX: u32 = 50;
/// Rules of a site. Beyond: a new one is refused, `too_many`.
pub const RULES_MAX: usize = 10_000;
/// Segments of a site. Beyond: a new one is refused, `too_many`.
pub const SEGMENTS_MAX: usize = 200;
/// Stages of a site. Beyond: a new one is refused, `too_many`.
pub const STAGES_MAX: usize = 20;
/// One authored rule, segment or stage as JSON text, in bytes. Beyond: refused, `too_large`.
pub const DOCUMENT_BYTES_MAX: usize = 16 * 1024;
/// The same as it is sent in a list of documents, with all its spaces and escapes. Beyond: refused, `too_large`.
pub const DOCUMENT_TEXT_BYTES_MAX: usize = 128 * 1024;
/// Cold pages of records waiting for the queue that a reader of the log looks into, the newest. What is in older ones
/// counts as on its way until the database has it.
pub const WAITING_PAGES_READ_MAX: u64 = 64;
/// Records that the queue has taken and that an object still remembers for readers of the log until the database has
/// them, in bytes of JSON, in memory only. When full: the oldest go, and count as on their way.
pub const SENT_BYTES_MAX: usize = 16 * 1024;
/// How long an object remembers them, in milliseconds. Beyond: they count as on their way until the database has them.
pub const SENT_MS_MAX: u64 = 60 * 1_000;
/// Lives of a visitor that wait for their erasure after consent was withdrawn. When full: of those after the first
/// the oldest goes that no user counts, else the second; it is erased as far as the database knows it.
pub const WITHDRAWN_LIVES_MAX: usize = 8;
/// Records of one page of a visitor's log. Beyond: 400 `malformed`.
pub const LOG_ENTRIES_MAX: u64 = 1_000;
/// Details of the records that are read from the database for one page of a visitor's log, as JSON, in bytes; the last one
/// may go beyond. Beyond: the page ends and `next` goes on. Of what made a page of triggers: the rest is named only.
pub const LOG_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Records of one life that a state of the past is folded from. Beyond: 422 `too_long`.
pub const FOLD_RECORDS_MAX: usize = 10_000;
/// Their details as JSON, in bytes. Beyond: 422 `too_long`.
pub const FOLD_BYTES_MAX: usize = 8 * 1024 * 1024;
/// A body for a site's rulebook, in bytes; whole rulebooks are checked and drafted as one. Beyond: 413
/// `body_too_large`.
pub const RULEBOOK_BODY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// All rules, segments and stages of a site as JSON text, in bytes: what fits into one such body, with what stands between
/// them. Beyond: a change that makes them longer is refused, `too_large`; deleting, shortening and restoring a version go on.
pub const RULEBOOK_BYTES_MAX: usize = 8_176 * 1024;
/// Faults reported of all documents together, and likewise warnings. Beyond: the rest shows once these are mended.
pub const RULEBOOK_FAULTS_MAX: usize = 5_000;
/// A comment on a publication or a restoration, in bytes. Beyond: refused, `too_long`.
pub const COMMENT_BYTES_MAX: usize = 512;
/// Versions of a site's rulebook that are kept. When full: the oldest goes.
pub const VERSIONS_MAX: u64 = 1_000;
/// Documents kept of earlier versions, each counted once however many versions it was in. When full: the oldest
/// versions go.
pub const SUPERSEDED_MAX: u64 = 50_000;
/// Entries of a rulebook's audit trail that are kept. When full: the oldest goes.
pub const AUDIT_MAX: u64 = 10_000;
/// Entries of one page of versions or of the audit trail. Beyond: 400 `malformed`.
pub const PAGE_ENTRIES_MAX: u64 = 100;
/// Visitors who preview a site's draft at once. Beyond: 409 `too_many_previews`.
pub const PREVIEWS_MAX: usize = 8;
/// The shortest preview, in milliseconds: a minute. Below: refused, `out_of_range`.
pub const PREVIEW_MS_MIN: u64 = 60 * 1_000;
/// The longest preview, in milliseconds: 24 hours. Beyond: refused, `out_of_range`.
pub const PREVIEW_MS_MAX: u64 = 24 * 60 * 60 * 1_000;
/// Depth of nesting of an authored document. Beyond: refused, `too_deep`.
pub const DOCUMENT_DEPTH_MAX: usize = 24;
/// Faults reported of one document. Beyond: the rest shows once these are mended.
pub const DOCUMENT_FAULTS_MAX: usize = 50;
/// Depth of nesting of one condition. Beyond: refused, `too_deep`.
pub const CONDITION_DEPTH_MAX: usize = 12;
/// Tests in all conditions of one document. Beyond: refused, `too_many`.
pub const CONDITION_TESTS_MAX: usize = 200;
/// What all conditions of one document can cost at most for one evaluation, in units of about one comparison of two
/// scalars: arrays, texts and regular expressions as long and slow as they can be. Beyond: refused, `too_costly`.
pub const CONDITION_COST_MAX: u64 = 250_000;
/// A regular expression's source, in bytes. Beyond: refused, `too_long`.
pub const REGEX_BYTES_MAX: usize = 512;
/// A compiled regular expression, in bytes. Beyond: refused, `invalid`.
pub const REGEX_PROGRAM_BYTES_MAX: usize = 32 * 1024;
/// What a regular expression looks at of one text, in bytes. Beyond: cut at a character boundary.
pub const REGEX_TEXT_BYTES_MAX: usize = 1024;
/// One value in an explanation, in bytes of its JSON text. Beyond: cut at a character boundary.
pub const EXPLAINED_VALUE_BYTES_MAX: usize = 256;
/// Documents of each kind that a dry run brings. Beyond: refused, `invalid`.
pub const DRY_RUN_RULES_MAX: usize = 50;
/// Events of one dry run. Beyond: refused, `invalid`.
pub const DRY_RUN_EVENTS_MAX: usize = 200;
/// Wakes of one dry run. Beyond: it ends there and says so.
pub const REHEARSAL_WAKES_MAX: usize = 10_000;
/// Records of one dry run. Beyond: it ends with the event or deadline that made them, and says so.
pub const REHEARSAL_RECORDS_MAX: usize = 1_000;
/// Places to fill in, in all content of one action. Beyond: refused, `template`.
pub const TEMPLATE_FILLS_MAX: usize = 64;
/// What one place of a template is filled with, in bytes before escaping. Beyond: cut at a character boundary.
pub const TEMPLATE_FILL_BYTES_MAX: usize = 512;
/// An authored id, and a slot's name, in bytes. Beyond: refused, `invalid`.
pub const DOCUMENT_ID_BYTES_MAX: usize = 64;
/// An authored name, in bytes. Beyond: refused, `too_long`.
pub const DOCUMENT_NAME_BYTES_MAX: usize = 128;
/// Event names of one pattern, and event names or stages of one way into a stage. Beyond: refused, `out_of_range`.
pub const EVENT_NAMES_MAX: usize = 32;
/// Actions of one rule. Beyond: refused, `invalid`.
pub const ACTIONS_MAX: usize = 8;
/// Patterns within one another. Beyond: refused, `too_deep`.
pub const PATTERN_DEPTH_MAX: usize = 4;
/// Patterns in one rule, those within others included. Beyond: refused, `too_many`.
pub const PATTERN_PARTS_MAX: usize = 16;
/// Points in one rule, those of `until` included. Beyond: refused, `too_many`.
pub const PATTERN_POINTS_MAX: usize = 64;
/// Alternatives of one `any`, and parts of one `all`. Beyond: refused, `out_of_range`.
pub const PATTERN_BRANCHES_MAX: usize = 8;
/// Steps of a sequence. Beyond: refused, `out_of_range`.
pub const SEQUENCE_STEPS_MAX: usize = 8;
/// The largest `at_least` of a count. Beyond: refused, `out_of_range`.
pub const COUNT_AT_LEAST_MAX: u32 = 100;
/// Values of `by` with something pending, for each pattern. When full: the one whose last happening is oldest goes with
/// what it had and `partials_dropped` counts it.
pub const PARTIAL_VALUES_MAX: usize = 16;
/// Patterns of a visitor with something collected. When full: the one that advanced longest ago goes with all it had
/// and `partials_dropped` counts it.
pub const PARTIAL_PATTERNS_MAX: usize = 256;
/// Happenings that all patterns of a visitor have collected. When full: as above.
pub const PARTIAL_HAPPENINGS_MAX: usize = 2_048;
/// Happenings of an aggregate over a window of time. When full: the oldest goes.
pub const AGGREGATE_WINDOW_MAX: usize = 64;
/// Values of a `distinct` without a window of time. When full: a new one is not taken.
pub const AGGREGATE_DISTINCT_MAX: usize = 64;
/// Values of a `most_frequent` without a window of time. When full: a new one is not taken.
pub const AGGREGATE_FREQUENT_MAX: usize = 32;
/// Records that a firing names as those that made it. Beyond: the newest are named.
pub const FIRING_EVENTS_MAX: usize = 16;
/// Rounds of looking at rules for one event or deadline. Beyond: stage and segments follow at the next event.
pub const ROUNDS_MAX: usize = 4;
/// Ways into one stage. Beyond: refused, `invalid`.
pub const STAGE_WAYS_MAX: usize = 16;
/// Parts of a day in one schedule. Beyond: refused, `invalid`.
pub const SCHEDULE_HOURS_MAX: usize = 8;
/// The largest `priority` and `rank`, either sign. Beyond: refused, `out_of_range`.
pub const PRIORITY_MAX: i32 = 1_000;
/// The largest `per_session` and `per_visitor`. Beyond: refused, `out_of_range`.
pub const FIRING_LIMIT_MAX: u32 = 1_000_000;
/// The shortest authored duration, in milliseconds. Below: refused, `out_of_range`.
pub const DURATION_MS_MIN: u64 = 1_000;
/// The longest authored duration, in milliseconds: 400 days. Beyond: refused, `out_of_range`.
pub const DURATION_MS_MAX: u64 = 400 * 24 * 60 * 60 * 1_000;
/// The longest dwell, in milliseconds: 24 hours. Beyond: refused, `out_of_range`.
pub const DWELL_MS_MAX: u64 = 24 * 60 * 60 * 1_000;
/// Frames of a socket that are refused, of whose events none can be read, or that have seen nothing new, with no good event
/// in between. At the bound: the socket is closed (1008).
pub const SOCKET_REFUSED_MAX: u32 = 32;
/// Sockets of one visitor. Beyond: the upgrade answers 429 `too_many_sockets`.
pub const SOCKETS_MAX: usize = 32;
/// The largest `count` of a visitor's rate (`SITES`, `limits.visitor`; unless it is said, none holds). Beyond: the
/// deployment is refused as misconfigured. When the rate is reached: an HTTP request is answered with 429 `rate_limited`,
/// a socket's frame with a `nack`, and of a batch of several visitors only this one's events are rejected.
pub const VISITOR_RATE_COUNT_MAX: u32 = 1_000;
/// The largest `count` of a source's rate (`SITES`, `limits.source`, or `rate` of its key in `WRITE_KEYS`; unless it is
/// said, none holds). Beyond: the deployment is refused as misconfigured. When the rate is reached: 429 `rate_limited`.
pub const SOURCE_RATE_COUNT_MAX: u32 = 10_000;
/// The shortest period of a rate, in milliseconds. Below: the deployment is refused as misconfigured.
pub const RATE_MS_MIN: u64 = 1_000;
/// The longest period of a rate, in milliseconds: an hour. Beyond: the deployment is refused as misconfigured.
pub const RATE_MS_MAX: u64 = 60 * 60 * 1_000;
/// Requests of one address in `ADDRESS_RATE_S` seconds, about: the platform counts (`wrangler.toml`, `ratelimits`).
/// Servers with a secret key in the header are not counted. Beyond: 429 `rate_limited`.
pub const ADDRESS_RATE_COUNT: u32 = 1_000;
/// The period of the rate of an address, in seconds.
pub const ADDRESS_RATE_S: u32 = 10;
/// Write keys of a deployment. Beyond: it is refused as misconfigured.
pub const WRITE_KEYS_MAX: usize = 1_000;
/// The name of a source, in bytes. Beyond: the deployment is refused as misconfigured.
pub const SOURCE_BYTES_MAX: usize = 40;
/// An operator's token, in bytes. Beyond: 401 `invalid_credential`.
pub const OPERATOR_TOKEN_BYTES_MAX: usize = 8 * 1024;
/// Secrets in `ADMIN_JWT_SECRET`. Beyond: the deployment is refused as misconfigured.
pub const ADMIN_SECRETS_MAX: usize = 4;
/// Keys in `ADMIN_JWKS`. Beyond: the deployment is refused as misconfigured.
pub const JWKS_KEYS_MAX: usize = 16;
/// Pushes, retractions and changes of the state on their way to one socket whose page has not said that it has `seen` them.
/// Beyond: the socket is closed (4004); the page comes back with its cursor, and is told the whole state and what it missed.
pub const SOCKET_UNSEEN_MAX: u64 = 256;
/// Records of one queue message, in bytes as they are stored; below the platform's billing step of 64 KB.
pub const QUEUE_MESSAGE_BYTES_MAX: usize = 60_000;

/// What a sink answered, as a dead letter keeps it, in bytes. Beyond: cut at a character boundary.
pub const SINK_ANSWER_BYTES_MAX: usize = 1_024;
/// How long a sink's answer is waited for, in milliseconds. Beyond: the message is tried again.
pub const SINK_TIMEOUT_MS: u64 = 10_000;
/// The longest wait between two tries of a message, in seconds, also when the sink asks for more.
pub const SINK_RETRY_S_MAX: u32 = 3_600;
/// Tries of a message for a sink; with the waits between them more than a day. Beyond: it goes to the dead letters.
pub const SINK_TRIES_MAX: u32 = 40;
/// The body of one request to an origin before it is compressed, in bytes; one message may be larger by itself. Beyond:
/// another request.
pub const ORIGIN_BODY_BYTES_MAX: usize = 512 * 1024;
/// How long a dead letter is kept, in milliseconds: 30 days. Beyond: it goes when the consumer next runs for any
/// site, at most an hour later while anything goes through the queues, and before it is listed.
pub const DEAD_LETTER_MS_MAX: u64 = 30 * 24 * 60 * 60 * 1_000;
/// Dead letters that one call replays. Beyond: they stay, and the answer says how many.
pub const REPLAY_MAX: u32 = 100;
/// Keys of one page of an archive's keys. Beyond: 400 `malformed`.
pub const ARCHIVE_KEYS_MAX: u32 = 1_000;

/// The longest prefix of `text` within `bytes_max` that ends at a character boundary.
pub fn cut(text: &str, bytes_max: usize) -> &str {
    if text.len() <= bytes_max {
        return text;
    }
    let mut end = bytes_max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
