// Package storetest is the conformance suite for chat.Store: what is written at
// that interface, as tests. Each store runs it from a test of its own.
package storetest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sarang/chat"
)

// Opener opens a store. Called again after Close it opens the same data. Only one
// is open at a time.
type Opener func(ctx context.Context) (chat.Store, error)

// Run runs the suite. fresh returns an Opener for data that is empty and no other
// call's; it may register cleaning up with t.
func Run(t *testing.T, fresh func(t *testing.T) Opener) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, *fixture)
	}{
		{"CommitStoresSeveralRooms", testCommitSeveralRooms},
		{"CommitSameRoomTwice", testCommitSameRoomTwice},
		{"CommitOfNothing", testCommitOfNothing},
		{"CommitRefusesBrokenSequence", testCommitRefusesBrokenSequence},
		{"CommitIsAllOrNothing", testCommitAllOrNothing},
		{"CommitRefusesStrangers", testCommitRefusesStrangers},
		{"CommitOfManyEvents", testCommitOfManyEvents},
		{"ConflictTellsBetween", testConflictTellsBetween},
		{"ConflictOfOneRoomStoresTheOthers", testConflictOfOneRoom},
		{"ConflictIsPaged", testConflictIsPaged},
		{"AfterBeyondTheEnd", testAfterBeyondTheEnd},
		{"CommitAgainChangesNothing", testCommitAgain},
		{"CommitAgainAfterOthers", testCommitAgainAfterOthers},
		{"CommitAgainAfterAnError", testCommitAgainAfterAnError},
		{"TwoWritersAtOnce", testTwoWritersAtOnce},
		{"TargetMustBeEarlier", testTargetMustBeEarlier},
		{"RolesAreKept", testRolesAreKept},
		{"RoleUntil", testRoleUntil},
		{"Author", testAuthor},
		{"AuthorNonces", testAuthorNonces},
		{"SentCount", testSentCount},
		{"Edits", testEdits},
		{"Delete", testDelete},
		{"Reactions", testReactions},
		{"ChangesOfErased", testChangesOfErased},
		{"Mentions", testMentions},
		{"MentionsAreBounded", testMentionsAreBounded},
		{"Threads", testThreads},
		{"Follows", testFollows},
		{"FollowsByRequest", testFollowsByRequest},
		{"FollowsOfErased", testFollowsOfErased},
		{"FollowsAreCounted", testFollowsAreCounted},
		{"Pins", testPins},
		{"LinksOfErased", testLinksOfErased},
		{"HistoryPages", testHistoryPages},
		{"HistoryBefore", testHistoryBefore},
		{"HistoryByteLimit", testHistoryByteLimit},
		{"HistoryByteLimitBefore", testHistoryByteLimitBefore},
		{"HistoryEnds", testHistoryEnds},
		{"HistoryKeepsEveryField", testHistoryKeepsEveryField},
		{"ClaimAndLogin", testClaimAndLogin},
		{"ClaimCollisions", testClaimCollisions},
		{"RoomQuota", testRoomQuota},
		{"Expired", testExpired},
		{"Expire", testExpire},
		{"ExpireEdits", testExpireEdits},
		{"ClaimOfTheKnown", testClaimOfTheKnown},
		{"ClaimTakeover", testClaimTakeover},
		{"ClaimOfOnline", testClaimOfOnline},
		{"ClaimOfLookalike", testClaimOfLookalike},
		{"Seen", testSeen},
		{"ClaimAgain", testClaimAgain},
		{"ClaimsAtOnce", testClaimsAtOnce},
		{"ClaimsOfOneNameAtOnce", testClaimsOfOneName},
		{"UserUnknown", testUserUnknown},
		{"Password", testPassword},
		{"AccountKeepsItsName", testAccountKeepsItsName},
		{"Devices", testDevices},
		{"DevicesAreBounded", testDevicesAreBounded},
		{"DevicesExpire", testDevicesExpire},
		{"TokenIsRenewed", testTokenIsRenewed},
		{"ClaimOfTheProven", testClaimOfTheProven},
		{"ArchiveOfDevices", testArchiveDevices},
		{"Invitations", testInvitations},
		{"InvitationIsUsedOnce", testInvitationIsUsedOnce},
		{"NoGuests", testNoGuests},
		{"External", testExternal},
		{"EraseUser", testEraseUser},
		{"UserByKey", testUserByKey},
		{"Profiles", testProfiles},
		{"Rename", testRename},
		{"Blocks", testBlocks},
		{"RoomMarks", testRoomMarks},
		{"Rooms", testRooms},
		{"RoomsArePaged", testRoomsArePaged},
		{"RoomByKey", testRoomByKey},
		{"RoomDuplicate", testRoomDuplicate},
		{"RoomEphemeral", testRoomEphemeral},
		{"ArchiveOfUsers", testArchiveUsers},
		{"ArchiveOfRooms", testArchiveRooms},
		{"ArchiveBegun", testArchiveBegun},
		{"ArchiveOfRecords", testArchiveRecords},
		{"PrivateRooms", testPrivateRooms},
		{"Members", testMembers},
		{"MyRooms", testMyRooms},
		{"Topics", testTopics},
		{"Settings", testSettings},
		{"SettingsByServer", testByServer},
		{"Said", testSaid},
		{"RenameRoom", testRenameRoom},
		{"DeleteRoom", testDeleteRoom},
		{"Search", testSearch},
		{"SearchOfChanges", testSearchOfChanges},
		{"SearchOfFiles", testSearchOfFiles},
		{"SearchOfCorpora", testSearchOfCorpora},
		{"SearchOfDeletedRoom", testSearchOfDeletedRoom},
		{"SearchModel", testSearchModel},
		{"UnreadOfErased", testUnreadOfErased},
		{"ArchiveOfMemberships", testArchiveMemberships},
		{"Operators", testOperators},
		{"Bans", testBans},
		{"AuditOfEvents", testAuditOfEvents},
		{"Reports", testReports},
		{"FindUsers", testFindUsers},
		{"RoomLinks", testRoomLinks},
		{"RoomFilters", testRoomFilters},
		{"FilesOfMessages", testFilesOfMessages},
		{"FileQuota", testFileQuota},
		{"OrphansOfFiles", testOrphans},
		{"FilesOfErased", testFilesOfErased},
		{"ReopenKeepsEverything", testReopen},
		{"ReadersDuringCommits", testReadersDuringCommits},
		{"CommittersAtOnce", testCommittersAtOnce},
		{"EndedContext", testEndedContext},
		{"Closed", testClosed},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, newFixture(t, fresh(t))) })
	}
	t.Run("Model", func(t *testing.T) { testModel(t, fresh) })
}

// callDeadline ends a call that hangs, and the test with it.
const callDeadline = 30 * time.Second

// fixture is an open store and makers of what tests need.
type fixture struct {
	ctx     context.Context
	open    Opener
	store   chat.Store
	writers atomic.Uint64
	self    *writer // the writer of commit, refuse and conflict
}

func newFixture(t *testing.T, open Opener) *fixture {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), callDeadline)
	t.Cleanup(cancel)
	f := &fixture{ctx: ctx, open: open}
	f.self = f.writer()
	f.start(t)
	t.Cleanup(func() {
		if err := f.store.Close(); err != nil && chat.CodeOf(err) != chat.CodeClosed {
			t.Errorf("Close: %v", err)
		}
	})
	return f
}

func (f *fixture) start(t *testing.T) {
	t.Helper()
	var err error
	if f.store, err = f.open(f.ctx); err != nil {
		t.Fatalf("opening: %v", err)
	}
}

func (f *fixture) reopen(t *testing.T) {
	t.Helper()
	if err := f.store.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	f.start(t)
}

func (f *fixture) room(t *testing.T, name string) chat.Room {
	t.Helper()
	r, err := f.store.CreateRoom(f.ctx, chat.Room{Name: name, Key: name, Epoch: 1, CreatedMs: 1000}, chat.RoomQuota{})
	if err != nil {
		t.Fatalf("CreateRoom %q: %v", name, err)
	}
	return r
}

func (f *fixture) user(t *testing.T, name string) chat.User {
	t.Helper()
	u, err := f.claim(chat.Claim{Name: name, Key: name, Fresh: token(name), NowMs: 1000})
	if err != nil {
		t.Fatalf("ClaimUser %q: %v", name, err)
	}
	return u
}

// claim is ClaimUser, of which only who it is matters.
func (f *fixture) claim(c chat.Claim) (chat.User, error) {
	in, err := f.store.ClaimUser(f.ctx, c)
	return in.User, err
}

// token is a token hash that nobody else has.
func token(name string) (h chat.TokenHash) {
	copy(h[:], "token of "+name)
	return h
}

// message is what u says as event seq of r.
func message(r chat.Room, seq chat.Seq, u chat.User, text string) chat.Event {
	return chat.Event{
		Room: r.ID, Seq: seq, Kind: chat.EventMessage, User: u.ID, Name: u.Name,
		Nonce: chat.Nonce(seq) * 7, TimeMs: 5000 + int64(seq), Text: text,
	}
}

// run is an append of the events first to last, all by u with the given text.
func run(r chat.Room, first, last chat.Seq, u chat.User, text string) chat.Append {
	a := chat.Append{Room: r.ID, After: first - 1}
	for seq := first; seq <= last; seq++ {
		a.Events = append(a.Events, message(r, seq, u, text))
	}
	return a
}

// these is an append of events, which begin with seq first.
func these(r chat.Room, first chat.Seq, events ...chat.Event) chat.Append {
	return chat.Append{Room: r.ID, After: first - 1, Events: events}
}

// writer numbers the batches of one life of a server.
type writer struct{ last chat.BatchID }

func (f *fixture) writer() *writer {
	return &writer{chat.BatchID{Writer: 1<<63 + f.writers.Add(1)}} // random numbers use all bits
}

func (w *writer) batch(appends ...chat.Append) chat.Batch {
	w.last.Number++
	return chat.Batch{ID: w.last, Appends: appends}
}

// commit expects appends to be stored.
func (f *fixture) commit(t *testing.T, appends ...chat.Append) {
	t.Helper()
	if conflicts, err := f.store.Commit(f.ctx, f.self.batch(appends...)); err != nil || len(conflicts) > 0 {
		t.Fatalf("Commit: conflicts %v, %v", conflicts, err)
	}
}

// refuse expects Commit to fail with code.
func (f *fixture) refuse(t *testing.T, code chat.Code, appends ...chat.Append) {
	t.Helper()
	conflicts, err := f.store.Commit(f.ctx, f.self.batch(appends...))
	wantCode(t, err, code)
	if len(conflicts) > 0 {
		t.Fatalf("conflicts %v come with the error %v", conflicts, err)
	}
}

// conflict expects Commit to return such conflicts.
func (f *fixture) conflict(t *testing.T, want []chat.Conflict, appends ...chat.Append) {
	t.Helper()
	got, err := f.store.Commit(f.ctx, f.self.batch(appends...))
	if err != nil {
		t.Fatalf("Commit: %v", err)
	}
	wantSame(t, got, want)
}

func (f *fixture) wantLast(t *testing.T, r chat.Room, want chat.Seq) {
	t.Helper()
	got, err := f.store.Room(f.ctx, r.ID)
	if err != nil || got.LastSeq != want {
		t.Fatalf("LastSeq of %q = %d, %v; want %d", r.Name, got.LastSeq, err, want)
	}
}

func (f *fixture) wantSent(t *testing.T, u chat.User, want uint64) {
	t.Helper()
	got, err := f.store.User(f.ctx, u.ID)
	if err != nil || got.SentCount != want {
		t.Fatalf("SentCount of %q = %d, %v; want %d", u.Name, got.SentCount, err, want)
	}
}

// wantHistory expects the page after a Seq, without limits, to be the events.
func (f *fixture) wantHistory(t *testing.T, r chat.Room, after chat.Seq, want ...chat.Event) {
	t.Helper()
	got, more := f.history(t, r, chat.Page{After: after, ItemsMax: len(want) + 10, BytesMax: 1 << 20})
	wantSame(t, got, want)
	if more {
		t.Fatalf("there is more after all %d events", len(got))
	}
}

func (f *fixture) history(t *testing.T, r chat.Room, p chat.Page) (events []chat.Event, more bool) {
	t.Helper()
	events, more, err := f.store.History(f.ctx, r.ID, p)
	if err != nil {
		t.Fatalf("History %+v: %v", p, err)
	}
	return events, more
}

func wantSame[T any](t *testing.T, got, want []T) {
	t.Helper()
	if len(got) == 0 && len(want) == 0 {
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("want -, got +:\n%s", diff)
	}
}

// wantCode expects an *chat.Error with the code and a sentence.
func wantCode(t *testing.T, err error, code chat.Code) {
	t.Helper()
	var e *chat.Error
	if !errors.As(err, &e) || e.Code != code || e.Message == "" {
		t.Fatalf("error %v (code %d), want code %d", err, chat.CodeOf(err), code)
	}
}
