package store_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"sarang/chat"
	"sarang/internal/store"
	"sarang/internal/store/postgrestest"
	"sarang/internal/store/sqlite"
)

// keptOtherwise are the tables that have no row in chat.RecordKinds, with their columns: what
// of them a copy brings along in another way, and what is a store's own.
func keptOtherwise() map[string]string {
	const heads = "room_id last_seq last_ms flags said said_seq"
	return map[string]string{
		// chat.Archive has methods for them.
		"users":       "id name name_key created_ms seen_ms look password token_hash",
		"devices":     "user_id id name address token_hash renewed_ms next_hash next_ms created_ms seen_ms",
		"invitations": "code_hash note uses_left expires_ms created_ms",
		"rooms":       "id name name_key epoch flags private creator created_ms topic description archived slow_s retain_s",
		"memberships": "user_id room_id since_seq mark_seq muted",
		// They are read by History and written by Commit.
		"messages": "room_id seq user_id kind nonce time_ms prev_seq target subject role until_ms digest text said said_seq",
		"heads":    heads,
		// They are what a store needs for itself.
		"counters": "name value", "totals": "id rooms", "marker": "id count running", "writers": "writer number lost",
		"indexed": "id room_id seq", "indexing": "id version done", "index_marks": "room_id seq", // of messages, made by Commit
		"search_places": "id room_id seq terms", "search_terms": "term id", "search_marks": "room_id seq gen", "search_state": "id version gen",
		"sarang_schema": "version", "sarang_lock": "x", "rooms_deleted": "room_id", "goose_db_version": "id version_id is_applied tstamp", "sqlite_sequence": "name seq",
	}
}

// queryer asks a database what is in it.
type queryer func(query string, row func(scan func(...any) error)) error

func sqliteQueryer(t *testing.T, dir string) queryer {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, sqlite.DatabaseFile)+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return func(query string, row func(func(...any) error)) error {
		rows, err := db.QueryContext(context.Background(), query)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			row(rows.Scan)
		}
		return rows.Err()
	}
}

func postgresQueryer(t *testing.T, address string) queryer {
	t.Helper()
	c, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return func(query string, row func(func(...any) error)) error {
		rows, err := c.Query(context.Background(), query)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			row(rows.Scan)
		}
		return rows.Err()
	}
}

const (
	sqliteColumns   = "SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name <> 'search' AND t.name NOT LIKE 'search~_%' ESCAPE '~'" // the index of messages, made by Commit
	postgresColumns = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
)

// tablesOf returns the columns of each table.
func tablesOf(t *testing.T, ask queryer, query string) map[string][]string {
	t.Helper()
	tables := map[string][]string{}
	err := ask(query, func(scan func(...any) error) {
		var table, column string
		if err := scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		tables[table] = append(tables[table], column)
	})
	if err != nil || len(tables) < 15 {
		t.Fatalf("%d tables, %v", len(tables), err)
	}
	return tables
}

// Whoever adds a table, or a column, has to say how it is copied: by a row in chat.RecordKinds,
// or in another way, which he adds here.
func TestEveryTableIsCopied(t *testing.T) {
	dir := t.TempDir()
	openArchive(t, "sqlite:"+dir)
	schemas := map[string]map[string][]string{"sqlite": tablesOf(t, sqliteQueryer(t, dir), sqliteColumns)}
	if err := postgrestest.Missing(); err != nil {
		t.Logf("without PostgreSQL: %v", err)
	} else {
		address := postgrestest.Fresh(t)
		openArchive(t, address)
		schemas["postgres"] = tablesOf(t, postgresQueryer(t, address), postgresColumns)
	}
	for name, tables := range schemas {
		known := keptOtherwise()
		for _, k := range chat.RecordKinds() {
			if _, is := tables[k.Name]; !is {
				t.Errorf("%s has no table %s", name, k.Name)
			}
			for _, f := range k.Fields {
				known[k.Name] += " " + f.Name
			}
		}
		known["tallies"] += " count" // sqlite's name of the tally
		for table, columns := range tables {
			fields, is := known[table]
			if !is {
				t.Errorf("%s: the table %s is not copied by sarang store copy: add it to chat.RecordKinds", name, table)
				continue
			}
			for _, column := range columns {
				if !slices.Contains(strings.Fields(fields), column) {
					t.Errorf("%s: the column %s of %s is not copied by sarang store copy: add it to chat.RecordKinds", name, column, table)
				}
			}
		}
	}
}

// peopled adds to a world what is kept beside its logs, and more kinds of events.
func peopled(t *testing.T, s chat.Archive) {
	t.Helper()
	ctx, m := t.Context(), s.(chat.Moderation)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	token := func(of string) chat.TokenHash { return sha256.Sum256([]byte(of)) }
	for i, name := range []string{"jo", "max"} {
		_, err := s.ClaimUser(ctx, chat.Claim{
			Name: name, Key: name, Look: name, Fresh: token(name), NowMs: 5000, Password: chat.ExternalPassword, External: fmt.Sprint("issuer|", i),
			DeviceName: "phone", Address: "10.0.0.1",
		})
		must(err)
	}
	must(s.AddInvitation(ctx, chat.Invitation{Code: token("code"), Note: "for ann", UsesLeft: 3, ExpiresMs: 9000, CreatedMs: 1}))
	must(s.SetPassword(ctx, chat.PasswordChange{User: 2, To: "$argon2id$x"}))
	must(s.AddMemberships(ctx, []chat.Membership{{User: 1, Room: 1, Since: 3, Mark: 77, Muted: true}, {User: 2, Room: 1}, {User: 2, Room: 2, Mark: 1}}))
	status := "away"
	_, err := s.ChangeProfile(ctx, 2, chat.ProfileChange{DisplayName: &status, Status: &status})
	must(err)
	must(s.Block(ctx, chat.BlockChange{Block: chat.Block{User: 2, Whom: 3}}))
	must(s.Rename(ctx, chat.Rename{User: 3, Name: "sora", Key: "sora", Look: "sora", NowMs: 6000}))
	entry := func(nonce uint64, act chat.AuditAct) chat.AuditEntry {
		return chat.AuditEntry{Nonce: 1<<63 + nonce, TimeMs: int64(100 * nonce), Act: act, By: 1, Reason: fmt.Sprint("왜 ", nonce)}
	}
	must(m.SetOperator(ctx, 2, true, entry(1, chat.AuditOperator)))
	must(m.SetOperator(ctx, 3, true, entry(2, chat.AuditOperator)))
	must(m.SetOperator(ctx, 3, false, entry(3, chat.AuditNoOperator)))
	_, err = m.AddBan(ctx, chat.Ban{User: 4, UntilMs: 9000, Reason: "spam", CreatedMs: 4}, entry(4, chat.AuditBan))
	must(err)
	_, err = m.AddBan(ctx, chat.Ban{Network: netip.MustParsePrefix("2001:db8::/32"), CreatedMs: 5}, entry(5, chat.AuditBan))
	must(err)
	must(m.AddAudit(ctx, entry(6, chat.AuditBackup)))
	r, err := m.AddReport(ctx, chat.Report{Room: 1, Seq: 5, Author: 5, Reporter: 2, TimeMs: 7, Reason: "rude"}, chat.ReportQuota{})
	must(err)
	_, err = m.AddReport(ctx, chat.Report{Room: 1, Seq: 9, Author: 3, Reporter: 2, TimeMs: 8}, chat.ReportQuota{})
	must(err)
	_, err = m.ResolveReport(ctx, r.ID, chat.ReportActed, entry(7, chat.AuditResolve))
	must(err)
	// A room that has another name, and one that was deleted.
	other, err := s.CreateRoom(ctx, chat.Room{Name: "other", Key: "other", Epoch: 5, CreatedMs: 5}, chat.RoomQuota{})
	must(err)
	must(m.RenameRoom(ctx, other.ID, "renamed", "renamed", 1<<50, entry(8, chat.AuditRoomArchived)))
	last, err := s.CreateRoom(ctx, chat.Room{Name: "last", Key: "last", Epoch: 6, CreatedMs: 6}, chat.RoomQuota{})
	must(err)
	must(m.DeleteRoom(ctx, last.ID, 1<<50, entry(9, chat.AuditRoomArchived)))
	link := chat.RoomLink{Room: 2, Code: token("link"), By: 1, UsesMax: 5, ExpiresMs: 1 << 50, CreatedMs: 5}
	link, err = m.AddRoomLink(ctx, link, 0, entry(10, chat.AuditInvite))
	must(err)
	must(m.UseRoomLink(ctx, chat.LinkUse{ID: link.ID, User: 2, Nonce: 1<<63 + 5, NowMs: 6}))
	_, err = m.SetRoomFilter(ctx, 2, chat.RoomFilter{Words: []string{"스팸", "buy now"}, Links: true}, entry(11, chat.AuditRoomSetting))
	must(err)
	file := func(id chat.FileID) chat.FileInfo {
		return chat.FileInfo{ID: id, Name: fmt.Sprint("그림 ", id, ".png"), Type: "image/png", Bytes: int64(id), Width: 3, Height: 4, Thumbnail: true}
	}
	for id := chat.FileID(1 << 40); id < 1<<40+4; id++ {
		must(s.(chat.Files).AddFile(ctx, chat.File{FileInfo: file(id), Owner: 2, Hash: chat.FileHash{1, byte(id)}, CreatedMs: int64(id)}, chat.FileQuota{}))
	}
	// What becomes of messages, files that they name, and settings.
	a := chat.Append{Room: 1, After: 700}
	for _, e := range []chat.Event{
		{Kind: chat.EventMessage, Text: "to be edited"},
		{Kind: chat.EventMessage, Text: "to be deleted"},
		{Kind: chat.EventEdit, Target: 701, Text: "was edited"},
		{Kind: chat.EventEdit, Target: 702, Text: "was edited"},
		{Kind: chat.EventReact, Target: 701, Text: "👍"},
		{Kind: chat.EventReact, Target: 702, Text: "👍"},
		{Kind: chat.EventPin, Target: 701},
		{Kind: chat.EventDelete, Target: 702},
		{Kind: chat.EventReact, Target: 701, Text: "❤"},
		{Kind: chat.EventUnreact, Target: 701, Text: "❤"},
		{Kind: chat.EventTopic, Text: "of what we speak"},
		{Kind: chat.EventMessage, Root: 701, Text: "in a thread"},
		{Kind: chat.EventMessage, Text: "look", Files: chat.NewFileList(file(1<<40), file(1<<40+1))},
		{Kind: chat.EventMessage, Files: chat.NewFileList(file(1<<40+1), file(1<<40+2))},
		{Kind: chat.EventDelete, Target: 714},
		{Kind: chat.EventDescribe, Text: "at length"},
		{Kind: chat.EventSlow, Value: 7},
		{Kind: chat.EventRetain, Value: 3600},
		{Kind: chat.EventArchive, Value: 1},
	} {
		e.Room, e.Seq, e.User, e.Nonce, e.TimeMs = 1, a.After+1+chat.Seq(len(a.Events)), 2, chat.Nonce(9000+len(a.Events)), 9000
		a.Events = append(a.Events, e)
	}
	_, err = s.Commit(ctx, chat.Batch{ID: chat.BatchID{Writer: 9, Number: 1}, Appends: []chat.Append{a}})
	must(err)
	// Something of every other kind.
	for _, k := range chat.RecordKinds() {
		there, err := s.Records(ctx, k, nil, 1)
		must(err)
		if len(there) > 0 {
			continue
		}
		for i := range 3 {
			r := make(chat.Record, len(k.Fields))
			for at, f := range k.Fields {
				if r[at] = int64(i + 1); f.Type != chat.Number {
					r[at] = fmt.Sprintf("것 %d", i)
				}
			}
			must(s.AddRecords(ctx, k, []chat.Record{r}))
		}
	}
}

const peopledEvents = worldEvents + 19

// told is what a store tells of it all.
func told(t *testing.T, s chat.Archive) map[string]any {
	t.Helper()
	ctx, m, all := t.Context(), s.(chat.Moderation), map[string]any{}
	tell := func(what string, value any, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		all[what] = value
	}
	operators, err := m.Operators(ctx)
	tell("operators", operators, err)
	bans, err := m.Bans(ctx, 0, 10)
	tell("bans", fmt.Sprint(bans), err)
	entries, _, err := m.Audit(ctx, chat.AuditQuery{ItemsMax: 5000})
	tell("audit", entries, err)
	reports, _, err := m.Reports(ctx, chat.ReportQuery{All: true, ItemsMax: 10})
	tell("reports", reports, err)
	links, err := m.RoomLinks(ctx, 2, 0, 10)
	tell("links", links, err)
	filter, err := m.RoomFilter(ctx, 2)
	tell("filter", filter, err)
	profiles, err := s.Profiles(ctx, []chat.UserID{1, 2, 3})
	tell("profiles", profiles, err)
	blocks, err := s.Blocks(ctx, 2, 0, 10)
	tell("blocks", blocks, err)
	external, err := s.External(ctx, "issuer|1")
	tell("external", external, err)
	secret, err := s.Password(ctx, "u1")
	tell("password", secret, err)
	devices, err := s.AllDevices(ctx, chat.DeviceRef{}, 100)
	tell("devices", devices, err)
	invitations, err := s.Invitations(ctx, chat.TokenHash{}, 10)
	tell("invitations", invitations, err)
	states, err := s.States(ctx, 1, 1, 1000, 2)
	tell("states", states, err)
	rooms, err := s.AllRooms(ctx, 0, 10)
	tell("rooms", rooms, err)
	files, err := s.(chat.Files).AllFiles(ctx, 0, 10)
	tell("files", files, err)
	history, _, err := s.History(ctx, 1, chat.Page{After: 700, ItemsMax: 100, BytesMax: 1 << 20})
	tell("history", history, err)
	for u := chat.UserID(1); u <= 8; u++ {
		my, err := s.MyRooms(ctx, u, 0, 10)
		tell(fmt.Sprint("rooms of ", u), my, err)
		who, err := s.User(ctx, u)
		tell(fmt.Sprint("user ", u), who, err)
	}
	return all
}

// Everything that a store holds comes along, to a store of another kind and back: as many rows
// are in each table, and every question has the same answer.
func TestCopyOfEverything(t *testing.T) {
	first := t.TempDir()
	from := openArchive(t, "sqlite:"+first)
	world(t, from)
	peopled(t, from)
	want := told(t, from)
	dirs := []string{t.TempDir()}
	urls := []string{"sqlite:" + dirs[0]}
	if err := postgrestest.Missing(); err != nil {
		t.Logf("without PostgreSQL: %v", err)
	} else {
		dirs = append([]string{""}, dirs...)
		urls = append([]string{postgrestest.Fresh(t)}, urls...)
	}
	counts := countsOf(t, sqliteQueryer(t, first), sqliteColumns)
	var sum [32]byte
	for i, address := range urls {
		to := openArchive(t, address)
		c, err := store.Copy(t.Context(), from, to, quiet)
		others := counts["devices"] + counts["invitations"] + counts["memberships"]
		for _, k := range chat.RecordKinds() {
			if !k.Log {
				others += counts[k.Name]
			}
		}
		if err != nil || c.Users != 8 || c.Events != peopledEvents || c.Others != uint64(others) {
			t.Fatalf("copy %d: %+v, %v; want %d others of %v", i, c, err, others, counts)
		}
		if i > 0 && c.Sum != sum {
			t.Errorf("copy %d has another sum", i)
		}
		sum = c.Sum
		again, err := store.Copy(t.Context(), from, to, quiet)
		if err != nil || again.Written != 0 || again.Sum != sum {
			t.Fatalf("copy %d again: %+v, %v", i, again, err)
		}
		if a, err := store.Audit(t.Context(), to, quiet); err != nil || a.Faults > 0 || a.Records == 0 {
			t.Fatalf("copy %d: %+v, %v", i, a, err)
		}
		if diff := cmp.Diff(want, told(t, to)); diff != "" {
			t.Fatalf("copy %d tells something else:\n%s", i, diff)
		}
		ask, columns := queryer(nil), postgresColumns
		if strings.HasPrefix(address, "sqlite:") {
			ask, columns = sqliteQueryer(t, dirs[i]), sqliteColumns
		} else {
			ask = postgresQueryer(t, address)
		}
		have := countsOf(t, ask, columns)
		for _, k := range chat.RecordKinds() {
			if counts[k.Name] == 0 || have[k.Name] != counts[k.Name] {
				t.Errorf("copy %d: %s has %d rows, want %d and more than none", i, k.Name, have[k.Name], counts[k.Name])
			}
		}
		for _, table := range []string{"users", "devices", "invitations", "rooms", "memberships", "messages"} {
			if counts[table] == 0 || have[table] != counts[table] {
				t.Errorf("copy %d: %s has %d rows, want %d and more than none", i, table, have[table], counts[table])
			}
		}
		from = to
	}
}

// countsOf returns how many rows each table has.
func countsOf(t *testing.T, ask queryer, columns string) map[string]int64 {
	t.Helper()
	counts := map[string]int64{}
	for table := range tablesOf(t, ask, columns) {
		err := ask("SELECT count(*) FROM "+table, func(scan func(...any) error) {
			var n int64
			if err := scan(&n); err != nil {
				t.Fatal(err)
			}
			counts[table] = n
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return counts
}

// forgetful is a store that says it has kept records of a kind, and has not.
type forgetful struct {
	chat.Archive
	kind string
}

func (f forgetful) AddRecords(ctx context.Context, k chat.RecordKind, records []chat.Record) error {
	if k.Name == f.kind {
		return nil
	}
	return f.Archive.AddRecords(ctx, k, records)
}

// A record that is not there in the end is noticed, whatever it is of; and one that is something
// else is not touched.
func TestCopyOfRecordsIsCompared(t *testing.T) {
	if slow {
		t.Skip("it makes dozens of stores")
	}
	from := openArchive(t, "sqlite:"+t.TempDir())
	world(t, from)
	peopled(t, from)
	for _, k := range chat.RecordKinds() {
		if k.Log {
			continue
		}
		if k.Seeded {
			changeRecord(t, from, from, k) // or it is as the copied logs have made it
		}
		to := openArchive(t, "sqlite:"+t.TempDir())
		_, err := store.Copy(t.Context(), from, forgetful{to, k.Name}, quiet)
		if chat.CodeOf(err) != chat.CodeBadRequest || !strings.Contains(err.Error(), k.Name) {
			t.Errorf("%s are forgotten: %v", k.Name, err)
		}
		records, err := from.Records(t.Context(), k, nil, 1)
		if err != nil || len(records) != 1 {
			t.Fatal(records, err)
		}
		if len(k.Fields) == k.Keys {
			continue
		}
		if k.Seeded { // it takes the place of what the logs have made
			if _, err := store.Copy(t.Context(), from, to, quiet); err != nil {
				t.Errorf("%s: %v", k.Name, err)
			}
			continue
		}
		other := changeRecord(t, from, to, k)
		_, err = store.Copy(t.Context(), from, to, quiet)
		if chat.CodeOf(err) != chat.CodeBadRequest || !strings.Contains(err.Error(), k.Name) {
			t.Errorf("other %s: %v", k.Name, err)
		}
		if have, err := to.Records(t.Context(), k, nil, 1); err != nil || !slices.Equal(have[0], other) {
			t.Errorf("other %s were touched: %v, %v", k.Name, have, err)
		}
	}
}

// changeRecord adds the first record of a kind with another last field.
func changeRecord(t *testing.T, from, to chat.Archive, k chat.RecordKind) chat.Record {
	t.Helper()
	records, err := from.Records(t.Context(), k, nil, 1)
	if err != nil || len(records) != 1 {
		t.Fatal(records, err)
	}
	other, last := slices.Clone(records[0]), len(k.Fields)-1
	switch v := other[last].(type) {
	case int64:
		other[last] = v + 1
	case string:
		other[last] = v + "?"
	}
	if err := to.AddRecords(t.Context(), k, []chat.Record{other}); err != nil {
		t.Fatal(err)
	}
	return other
}

// A check notices what does not follow from the logs, and what is about nobody.
func TestAuditNoticesRecords(t *testing.T) {
	if slow {
		t.Skip("it makes dozens of stores")
	}
	for name, c := range map[string]struct {
		kind   string
		record chat.Record
	}{
		"an operator who is not there": {"operators", chat.Record{int64(99)}},
		"a block of nobody":            {"blocks", chat.Record{int64(2), int64(99)}},
		"a profile of nobody":          {"profiles", chat.Record{int64(99), "x", "", "", int64(0)}},
		"an external of nobody":        {"externals", chat.Record{"x", int64(99)}},
		"an entry about no room":       {"audit", chat.Record{int64(99), int64(99), int64(1), int64(6), int64(0), int64(0), int64(99), int64(0), int64(0), "", ""}},
		"a tally":                      {"tallies", chat.Record{int64(1), int64(701), "👍", int64(705), int64(2)}},
		"an edit that was not made":    {"changes", chat.Record{int64(1), int64(8), int64(9), int64(9), int64(0), int64(0)}},
	} {
		s := openArchive(t, "sqlite:"+t.TempDir())
		world(t, s)
		peopled(t, s)
		at := slices.IndexFunc(chat.RecordKinds(), func(k chat.RecordKind) bool { return k.Name == c.kind })
		if err := s.AddRecords(t.Context(), chat.RecordKinds()[at], []chat.Record{c.record}); err != nil {
			t.Fatal(err)
		}
		a, err := store.Audit(t.Context(), s, quiet)
		if err != nil || a.Faults == 0 {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
	s := openArchive(t, "sqlite:"+t.TempDir())
	world(t, s)
	peopled(t, s)
	topics := liar{s, func(r *chat.Room, _ *chat.Author, _ *chat.User) { r.Topic += "?" }}
	for what, lie := range map[string]func(*chat.Room){
		"description": func(r *chat.Room) { r.Description += "?" },
		"slow mode":   func(r *chat.Room) { r.SlowSeconds++ },
		"archive":     func(r *chat.Room) { r.Archived = !r.Archived },
	} {
		lies := liar{s, func(r *chat.Room, _ *chat.Author, _ *chat.User) { lie(r) }}
		if a, err := store.Audit(t.Context(), lies, quiet); err != nil || a.Faults == 0 {
			t.Errorf("another %s: %+v, %v", what, a, err)
		}
	}
	if a, err := store.Audit(t.Context(), topics, quiet); err != nil || a.Faults == 0 {
		t.Errorf("another topic: %+v, %v", a, err)
	}
}
