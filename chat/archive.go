package chat

import "context"

// Archive is what a store has beside Store for being copied to another one, or being
// checked. Logs are read by History and written by Commit; what follows from them (roles,
// counts, nonces) comes with them.
type Archive interface {
	Store
	RecordStore

	// Users returns up to itemsMax users (at least 1) with ids above after, ordered by id,
	// without their SentCount.
	Users(ctx context.Context, after UserID, itemsMax int) ([]UserRecord, error)

	// AllRooms is Store.Rooms with the private ones among them.
	AllRooms(ctx context.Context, after RoomID, itemsMax int) ([]Room, error)

	// AddUsers adds users with the ids and all that they have, but for the SentCount. The
	// first id is the one behind the newest that there is, and none is left out: otherwise
	// CodeSequence. All are added or none; CodeUncertain if that is not known.
	AddUsers(ctx context.Context, users []UserRecord) error

	// AddRooms is the same for rooms: ids grow, and are above the newest that there is.
	// Their logs are empty.
	AddRooms(ctx context.Context, rooms []Room) error

	// BeginLog has the log of a room, which is empty, go on behind after, as one does whose
	// beginning up to there was erased: the next Commit is to be decided at after. What follows from what
	// was erased (Ruled, Topic, and the settings of r) is kept with the room; roles and counts are records.
	// CodeBadRequest if the log has events. Until something is committed a store may forget after.
	BeginLog(ctx context.Context, r Room, after Seq) error

	// Memberships returns up to itemsMax memberships (at least 1), ordered by user and room,
	// that stand behind that of a user in a room.
	Memberships(ctx context.Context, user UserID, room RoomID, itemsMax int) ([]Membership, error)

	// AddMemberships adds memberships as they are, or puts them in the place of those that are
	// there. On an error it may have been done or not.
	AddMemberships(ctx context.Context, all []Membership) error

	// AllDevices returns up to itemsMax devices (at least 1) behind a device, ordered by user
	// and id.
	AllDevices(ctx context.Context, after DeviceRef, itemsMax int) ([]DeviceRecord, error)

	// AddDevices adds devices of users that are there, which have no such devices yet.
	AddDevices(ctx context.Context, devices []DeviceRecord) error
}

// UserRecord is a user with what he and his name's look are known by.
type UserRecord struct {
	User
	Password string // see Secret
	Look     string // see Claim.Look; empty if he has none
}

// DeviceRef names a device of a user.
type DeviceRef struct {
	User   UserID
	Device DeviceID
}

// Ref returns the name of d.
func (d *DeviceRecord) Ref() DeviceRef { return DeviceRef{d.User, d.ID} }
