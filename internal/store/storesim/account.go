package storesim

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"

	"sarang/chat"
)

// shownDevice returns the device of a whose token c shows, nil if it shows none.
func (a *account) shownDevice(c *chat.Claim) *chat.DeviceRecord {
	for i := range a.devices {
		if c.Shows(&a.devices[i], a.user.Account) {
			return &a.devices[i]
		}
	}
	return nil
}

// enter logs a's owner in, from a device of his or, if d is nil, from one that is made.
func (a *account) enter(c *chat.Claim, d *chat.DeviceRecord) chat.Claimed {
	if c.Sees(a.user.SeenMs) {
		a.user.SeenMs = c.NowMs
		a.look = cmp.Or(a.look, c.Look)
	}
	if d == nil {
		return a.addDevice(c)
	}
	now, renewed, _ := c.Enter(*d)
	*d = now
	return chat.Claimed{User: a.user, Device: d.ID, Renewed: renewed}
}

// addDevice makes the device of a claim, if it has a token.
func (a *account) addDevice(c *chat.Claim) chat.Claimed {
	in := chat.Claimed{User: a.user}
	if d, has := c.NewDevice(a.user.ID); has {
		in.Device = d.ID
		a.end(chat.DeviceSet{Only: d.ID}) // one that has expired
		a.put(d)
		for _, gone := range c.Surplus(a.bareDevices(), d.ID) {
			a.end(chat.DeviceSet{Only: gone})
		}
	}
	return in
}

func (a *account) put(d chat.DeviceRecord) {
	a.devices = append(a.devices, d)
	slices.SortFunc(a.devices, func(x, y chat.DeviceRecord) int { return cmp.Compare(x.ID, y.ID) })
}

func (a *account) end(which chat.DeviceSet) {
	a.devices = slices.DeleteFunc(slices.Clone(a.devices), func(d chat.DeviceRecord) bool { return which.Has(d.ID) })
}

func (a *account) bareDevices() []chat.Device {
	all := make([]chat.Device, len(a.devices))
	for i := range a.devices {
		all[i] = a.devices[i].Device
	}
	return all
}

// Password is documented at chat.Store.
func (s *Store) Password(ctx context.Context, key string) (chat.Secret, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "Password"); err != nil {
		return chat.Secret{}, err
	}
	for _, a := range d.users {
		if key != "" && a.user.Key == key {
			return chat.Secret{User: a.user.ID, Password: a.password}, nil
		}
	}
	if a, _ := d.formerOf(key); a != nil {
		return chat.Secret{User: a.user.ID, Password: a.password}, nil
	}
	return chat.Secret{}, chat.Errorf(chat.CodeNoUser, "nobody has that name")
}

// External is documented at chat.Store.
func (s *Store) External(ctx context.Context, external string) (chat.UserID, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "External"); err != nil {
		return 0, err
	}
	if u := d.externals[external]; u != 0 {
		return u, nil
	}
	return 0, chat.Errorf(chat.CodeNoUser, "nobody is called so by another program")
}

// SetPassword is documented at chat.Store.
func (s *Store) SetPassword(ctx context.Context, p chat.PasswordChange) error {
	return s.write(ctx, "SetPassword", func(d *Disk) error {
		if !d.isUser(p.User) {
			return chat.Errorf(chat.CodeNoUser, "there is no user %d", p.User)
		}
		a := d.users[p.User-1]
		do, err := p.Judge(a.password)
		if do {
			err = d.invited(p.Invitation, p.NowMs)
		}
		if do && err == nil {
			a.password, a.user.Account = p.To, p.To != ""
		}
		return err
	})
}

// write is a call that changes the disk: not done, done, or done and nobody knows.
func (s *Store) write(ctx context.Context, call string, do func(*Disk) error) error {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	fault, err := s.begin(ctx, call)
	if err == nil && fault == FaultUncertain {
		err = chat.Errorf(chat.CodeUnavailable, "the disk does not do it now")
	}
	if err != nil {
		return err
	}
	err = do(d)
	died(fault, call+", after it")
	return err
}

// Devices is documented at chat.Store.
func (s *Store) Devices(ctx context.Context, user chat.UserID) ([]chat.Device, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "Devices"); err != nil || !d.isUser(user) {
		return nil, err
	}
	return d.users[user-1].bareDevices(), nil
}

// EndDevices is documented at chat.Store.
func (s *Store) EndDevices(ctx context.Context, user chat.UserID, which chat.DeviceSet) error {
	return s.write(ctx, "EndDevices", func(d *Disk) error {
		if d.isUser(user) {
			d.users[user-1].end(which)
		}
		return nil
	})
}

// AllDevices is documented at chat.Archive.
func (s *Store) AllDevices(ctx context.Context, after chat.DeviceRef, itemsMax int) (devices []chat.DeviceRecord, err error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "AllDevices"); err != nil {
		return nil, err
	}
	for _, a := range d.users {
		for _, x := range a.devices {
			behind := x.User > after.User || x.User == after.User && x.ID > after.Device
			if behind && len(devices) < max(itemsMax, 1) {
				devices = append(devices, x)
			}
		}
	}
	return devices, nil
}

// AddDevices is documented at chat.Archive.
func (s *Store) AddDevices(ctx context.Context, devices []chat.DeviceRecord) error {
	return s.write(ctx, "AddDevices", func(d *Disk) error {
		for i := range devices {
			if !d.isUser(devices[i].User) {
				return chat.Errorf(chat.CodeBadRequest, "there is no user %d who could have a device", devices[i].User)
			}
		}
		for _, x := range devices {
			d.users[x.User-1].put(x)
		}
		return nil
	})
}

// invited uses an invitation, if one is needed.
func (d *Disk) invited(code chat.TokenHash, nowMs int64) error {
	if code == (chat.TokenHash{}) {
		return nil
	}
	for i := range d.invitations {
		if x := &d.invitations[i]; x.Code == code && x.Holds(nowMs) {
			x.UsesLeft--
			return nil
		}
	}
	return chat.NotInvited()
}

// AddInvitation is documented at chat.Store.
func (s *Store) AddInvitation(ctx context.Context, i chat.Invitation) error {
	return s.write(ctx, "AddInvitation", func(d *Disk) error {
		d.invitations = slices.DeleteFunc(d.invitations, func(x chat.Invitation) bool { return x.Code == i.Code })
		d.invitations = append(d.invitations, i)
		slices.SortFunc(d.invitations, func(x, y chat.Invitation) int { return bytes.Compare(x.Code[:], y.Code[:]) })
		return nil
	})
}

// Invitation is documented at chat.Store.
func (s *Store) Invitation(ctx context.Context, code chat.TokenHash, nowMs int64) (chat.Invitation, error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "Invitation"); err != nil {
		return chat.Invitation{}, err
	}
	for _, x := range d.invitations {
		if x.Code == code && x.Holds(nowMs) {
			return x, nil
		}
	}
	return chat.Invitation{}, chat.NotInvited()
}

// Invitations is documented at chat.Store.
func (s *Store) Invitations(ctx context.Context, after chat.TokenHash, itemsMax int) (all []chat.Invitation, err error) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := s.begin(ctx, "Invitations"); err != nil {
		return nil, err
	}
	for _, x := range d.invitations {
		if bytes.Compare(x.Code[:], after[:]) > 0 && len(all) < max(itemsMax, 1) {
			all = append(all, x)
		}
	}
	return all, nil
}

// EraseUser is documented at chat.Store.
func (s *Store) EraseUser(ctx context.Context, user chat.UserID, nowMs int64) error {
	return s.write(ctx, "EraseUser", func(d *Disk) error {
		if !d.isUser(user) {
			return chat.Errorf(chat.CodeNoUser, "there is no user %d", user)
		}
		a := d.users[user-1]
		a.user.Name, a.user.Account, a.password, a.devices = chat.ErasedName, false, "", nil
		a.user.SeenMs = max(a.user.SeenMs, nowMs)
		d.people.erase(user)
		for at := range d.follows {
			if at.user == user {
				d.follows[at] = chat.Follow{Root: at.root}
			}
		}
		maps.DeleteFunc(d.externals, func(_ string, u chat.UserID) bool { return u == user })
		for _, log := range d.rooms {
			for i := range log.events {
				if log.events[i].User == user {
					log.events[i].Name = chat.ErasedName
				}
			}
		}
		return nil
	})
}
