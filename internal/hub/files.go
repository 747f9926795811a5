package hub

import (
	"context"
	"crypto/sha256"
	"slices"
	"time"

	"sarang/chat"
	"sarang/engine"
)

// What files need of the hub. Their bytes come and go by HTTP, elsewhere; here are the messages
// that name them, and who may read those.

// FileLimits bound files. Who takes uploads keeps to them.
type FileLimits struct {
	BytesMax          int // of one file; default 25 MiB
	UserFilesMax      int // files of a user; 0: no such limit
	UserFilesMiBMax   int // what they are together, in MiB; 0: no such limit
	UserUploadsMax    int // of a user, that are not complete; default 4
	AddressUploadsMax int // and of an address; 0: no such limit
	UploadsMax        int // and of all; default 256
	PixelsMax         int // of an image; one with more is as any other file; default 25 million
}

// WebAt is where files come and go, as the server knows it; Port 0: nowhere.
type WebAt struct {
	Port uint16
	TLS  bool
}

// SetWeb says where files come and go. Any goroutine may call it.
func (h *Hub) SetWeb(at WebAt) { h.web.Store(&at) }

// Web is what SetWeb has said.
func (h *Hub) Web() WebAt {
	if at := h.web.Load(); at != nil {
		return *at
	}
	return WebAt{}
}

// checkFiles checks a list of files before anybody is asked about them.
func (s *Shard) checkFiles(o *Session, ref RequestRef, ids []uint64) *chat.Error {
	switch {
	case len(ids) > chat.FilesPerMessageMax:
		return chat.Errorf(chat.CodeTooMany, "a message may name %d files", chat.FilesPerMessageMax)
	case o.place(ref.Room).ephemeral:
		return chat.Errorf(chat.CodeBadRequest, "an ephemeral room keeps nothing, and so no files")
	}
	for i, id := range ids {
		if id == 0 || id > uint64(chat.FileIDMax) || slices.Contains(ids[:i], id) {
			return chat.NoFile()
		}
	}
	return nil
}

// authorWithFiles is author for a message that names files: the store is asked about them first.
// So it may come behind what the session says right after it.
func (s *Shard) authorWithFiles(o *Session, ref RequestRef, p publishRequest, lent []uint64) {
	s.publishes(o)
	user, id, ids := o.User, o.Engine.ID(), slices.Clone(lent)
	ok := s.give(s.hub.queries, o.source(), func() {
		ctx, cancel := context.WithTimeout(context.Background(), s.hub.config.StoreTimeout)
		defer cancel()
		files, err := s.hub.filesOf(ctx, user, ids)
		s.worker.Post(engine.MessageFunc(func(*engine.Worker) {
			o := s.session(id)
			switch {
			case o == nil: // nobody waits for it: it is as if it had not come
			case err != nil:
				s.published(o)
				s.fail(o, ref, s.hub.typed("reading files", err))
			case o.place(ref.Room) == nil:
				s.published(o)
				s.fail(o, ref, notMember())
			default:
				p.files = files
				s.send(o, ref, p)
			}
		}))
	})
	if !ok {
		s.published(o)
		s.limited(o, limitedReads)
		s.fail(o, ref, overloaded("too many requests wait for the store; try again with the same nonce"))
	}
}

// filesOf returns the list of a user's files. It runs on a task.
func (h *Hub) filesOf(ctx context.Context, user chat.UserID, ids []uint64) (chat.FileList, error) {
	store, keeps := h.config.Store.(chat.Files)
	if !keeps {
		return "", chat.NoFile()
	}
	infos := make([]chat.FileInfo, len(ids))
	for i, id := range ids {
		f, err := store.File(ctx, chat.FileID(id))
		if err == nil && f.Owner != user {
			err = chat.NoFile()
		}
		if err != nil {
			return "", err
		}
		infos[i] = f.FileInfo
	}
	return chat.NewFileList(infos...), nil
}

// bearerDevicesMax is how many devices of a user are looked at for a token: as many as he can
// have.
const bearerDevicesMax = userDevicesMost

// Bearer returns the user whose token it is: one that would let him in. It asks the store, and
// writes nothing. Errors are *chat.Error. Any goroutine but a worker may call it.
func (h *Hub) Bearer(ctx context.Context, user chat.UserID, token []byte) (chat.User, error) {
	devices, keeps := h.config.Store.(chat.Archive)
	if !keeps || user == 0 || len(token) == 0 {
		return chat.User{}, notTheirs()
	}
	u, err := h.config.Store.User(ctx, user)
	if err != nil {
		if chat.CodeOf(err) == chat.CodeBadRequest {
			err = notTheirs()
		}
		return chat.User{}, err
	}
	if u.Name == chat.ErasedName {
		return chat.User{}, notTheirs()
	}
	claim := chat.Claim{Resume: sha256.Sum256(token), ExpiredMs: h.nowMs() - h.config.DeviceExpiry.Milliseconds()}
	records, err := devices.AllDevices(ctx, chat.DeviceRef{User: user}, bearerDevicesMax)
	if err != nil {
		return chat.User{}, err
	}
	for i := range records {
		if records[i].User == user && claim.Shows(&records[i], u.Account) {
			return u, h.standingOf(user)
		}
	}
	return chat.User{}, notTheirs()
}

func notTheirs() *chat.Error {
	return chat.Errorf(chat.CodeBadToken, "the token is not one of that user; log in again")
}

// standingOf returns the ban by which a user is shut out; nil: there is none.
func (h *Hub) standingOf(user chat.UserID) error {
	if bans := h.standing.bans.Load(); bans != nil {
		if b := bans.user(user, h.nowMs()); b != nil {
			return shutOut(b)
		}
	}
	return nil
}

// MayRead returns nil if a user may read a room's history now, by what the store says of it.
// Errors are *chat.Error, the same that a session gets. Any goroutine but a worker may call it.
func (h *Hub) MayRead(ctx context.Context, user chat.UserID, room chat.RoomID) error {
	if err := h.standingOf(user); err != nil {
		return err
	}
	r, err := h.config.Store.Room(ctx, room)
	if err != nil {
		if chat.CodeOf(err) == chat.CodeNoRoom {
			err = noSuchRoom()
		}
		return err
	}
	if h.isOperator(user) {
		return nil
	}
	author, err := h.config.Store.Author(ctx, room, user, 0)
	if err != nil {
		return err
	}
	switch role := r.RoleAt(user, author.Given(), h.nowMs()); {
	case role.May(chat.ActionHistory):
		return nil
	case r.Hides(role):
		return noSuchRoom()
	case role == chat.RoleBanned:
		return chat.Errorf(chat.CodeForbidden, "you are banned from this room")
	}
	return chat.Errorf(chat.CodeForbidden, "you may not %v this room", chat.ActionHistory)
}

// Now is the hub's wall clock.
func (h *Hub) Now() time.Time { return h.config.Now() }
