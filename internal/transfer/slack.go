package transfer

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"

	"sarang/chat"
)

// An export of Slack: a zip archive with users.json, channels.json (public), groups.json (private),
// dms.json, mpims.json, and a folder for each of these with a file a day, an array of messages.

type slackUser struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	RealName string `json:"real_name"`
	Profile  struct {
		DisplayName string `json:"display_name"`
		RealName    string `json:"real_name"`
	} `json:"profile"`
}

type slackText struct {
	Value   string `json:"value"`
	Creator string `json:"creator"`
}

type slackChannel struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Created int64     `json:"created"` // seconds
	Creator string    `json:"creator"`
	Members []string  `json:"members"`
	Topic   slackText `json:"topic"`
	Purpose slackText `json:"purpose"`
}

type slackReader struct {
	foreign
	zip   *archive
	users map[string]slackUser

	channel slackChannel
	topic   string // as the messages say
	lastMs  int64
	failed  error // of the target, while a text was read
}

func readSlack(im *importer, f *source) error {
	z, err := openZip(f.File, f.size)
	if err != nil {
		return err
	}
	s := &slackReader{foreign: foreign{im: im, format: "slack"}, zip: z, users: map[string]slackUser{}}
	if z.files["users.json"] == nil || z.files["channels.json"] == nil && z.files["groups.json"] == nil && z.files["dms.json"] == nil {
		return chat.Errorf(chat.CodeMalformed, "the archive has no users.json, or no list of channels: it is no export of Slack")
	}
	if err := s.list(f, "users.json", s.addUser); err != nil {
		return err
	}
	for _, list := range []struct {
		name string
		kind slackKind
	}{{"channels.json", slackPublic}, {"groups.json", slackPrivate}, {"mpims.json", slackDirect}, {"dms.json", slackDirect}} {
		read := func(j *jsonStream) error {
			s.channel = slackChannel{}
			if err := j.value(&s.channel); err != nil {
				return err
			}
			return s.room(f, list.kind)
		}
		if err := s.list(f, list.name, read); err != nil {
			return err
		}
	}
	return im.endRoom()
}

// slackKind is what a channel is.
type slackKind uint8

const (
	slackPublic slackKind = iota
	slackPrivate
	slackDirect
)

// list reads a file of the archive, which is an array.
func (s *slackReader) list(f *source, name string, read func(*jsonStream) error) (err error) {
	entry := s.zip.files[name]
	if entry == nil {
		return nil
	}
	if err := s.im.ctx.Err(); err != nil {
		return err
	}
	r, err := entry.Open()
	if err != nil {
		return s.im.r.fault(name, "it can not be unpacked: %v", err)
	}
	defer func() {
		err = errors.Join(err, ignoreClose(r))
		f.advance(entry.CompressedSize64)
	}()
	j := newJSONStream(withoutMark(unpacked{r}))
	err = j.each(s.im, name, func() error { return read(j) })
	var bad *errJSON
	var packed errPacked
	switch {
	case errors.As(err, &bad):
		return s.im.r.fault(name, "%v", bad)
	case errors.As(err, &packed):
		return s.im.r.fault(name, "it can not be unpacked: %v", packed.error)
	}
	return err
}

func ignoreClose(c io.Closer) error { _ = c.Close(); return nil }

// errPacked is an error of unpacking.
type errPacked struct{ error }

type unpacked struct{ r io.Reader }

func (u unpacked) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	if err != nil && err != io.EOF {
		err = errPacked{err}
	}
	return n, err
}

func (s *slackReader) addUser(j *jsonStream) error {
	var u slackUser
	if err := j.value(&u); err != nil {
		return err
	}
	if u.ID == "" || len(u.ID) > formerNameBytes || len(s.users) >= usersMax {
		return wrong("a user has no id, or there are more than %d", usersMax)
	}
	u.Name, u.RealName = strings.Clone(first(u.Name, formerNameBytes)), strings.Clone(first(firstOf(u.Profile.DisplayName, u.Profile.RealName, u.RealName), formerNameBytes))
	u.Profile.DisplayName, u.Profile.RealName = "", ""
	s.users[u.ID] = u
	return nil
}

// first is the beginning of a text.
func first(s string, bytes int) string {
	if len(s) > bytes {
		return s[:boundary(s, bytes)]
	}
	return s
}

func firstOf(all ...string) string {
	for _, s := range all {
		if s = strings.TrimSpace(s); s != "" {
			return s
		}
	}
	return ""
}

// user is a user by his id; name is what he is called if the list of users does not have him.
func (s *slackReader) user(id, name string) (person, error) {
	if id == "" || len(id) > formerNameBytes {
		return person{}, wrong("a message has no user")
	}
	u, known := s.users[id]
	if !known {
		u = slackUser{ID: id, Name: firstOf(name, id)}
	}
	return s.im.user("slack", author{id: id, name: firstOf(u.Name, id), display: u.RealName})
}

// room reads a channel.
func (s *slackReader) room(f *source, kind slackKind) error {
	c := &s.channel
	if c.ID == "" {
		return wrong("a channel has no id")
	}
	folder := firstOf(c.Name, c.ID)
	if kind == slackDirect && s.zip.days[c.ID] != nil {
		folder = c.ID
	}
	r := chat.Room{Private: kind != slackPublic, CreatedMs: c.Created * 1000}
	if c.Created <= 0 || r.CreatedMs > timeMsMax {
		r.CreatedMs = s.im.o.nowMs()
	}
	members, err := s.people(c.Members)
	if err != nil {
		return err
	}
	if c.Creator != "" {
		creator, err := s.user(c.Creator, "")
		if err != nil {
			return err
		}
		r.Creator = creator.id
	}
	if kind == slackDirect {
		s.direct(&r, members)
	}
	if err := s.begin(c.ID, folder, r); err != nil {
		return err
	}
	s.topic, s.lastMs = "", r.CreatedMs
	if err := s.introduce(&r, members); err != nil {
		return err
	}
	for _, day := range s.zip.days[folder] {
		if err := s.list(f, day, s.message); err != nil {
			return err
		}
	}
	return s.finish(members)
}

func (s *slackReader) people(ids []string) (all []person, err error) {
	for i, id := range ids {
		if i >= reactionUsersMax {
			s.im.r.leftOut("members beyond those that a room here gets at once")
			break
		}
		p, err := s.user(id, "")
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// direct makes the room that of its users, if they can have one.
func (s *slackReader) direct(r *chat.Room, members []person) {
	var ids []chat.UserID
	names := map[chat.UserID]string{}
	for _, p := range members {
		ids = append(ids, p.id)
		names[p.id] = p.name
	}
	key, sorted, err := chat.DirectKey(ids)
	if err != nil {
		s.im.r.changed("direct rooms that are private ones: one has 2 to 10 users")
		return
	}
	var sortedNames []string
	for _, id := range sorted {
		sortedNames = append(sortedNames, names[id])
	}
	r.Key, r.Name, r.Creator = key, chat.DirectName(sortedNames), sorted[0]
}

// introduce says what the room is for, and lets its members in if it is private.
func (s *slackReader) introduce(r *chat.Room, members []person) error {
	if err := s.foreign.topic(chat.EventDescribe, person{}, r.CreatedMs, s.text(s.channel.Purpose.Value, new(mentioner))); err != nil {
		return err
	}
	if !r.Private || s.im.room.IsDirect() || len(members) == 0 {
		return nil
	}
	by := r.Creator
	if by == 0 {
		by = members[0].id
	}
	for _, p := range members {
		if p.id == r.Creator {
			continue
		}
		if _, err := s.im.add(chat.Event{Kind: chat.EventRole, User: by, Subject: p.id, Role: chat.RoleMember, TimeMs: r.CreatedMs}, true); err != nil {
			return err
		}
	}
	return nil
}

// finish sets the topic, if no message did, and has the members belong to the room. They have read it.
func (s *slackReader) finish(members []person) error {
	if topic := s.text(s.channel.Topic.Value, new(mentioner)); topic != "" && topic != s.topic {
		by := person{}
		kind := chat.EventDescribe
		if s.channel.Topic.Creator != "" {
			var err error
			if by, err = s.user(s.channel.Topic.Creator, ""); err != nil {
				return err
			}
			kind = chat.EventTopic
		}
		if err := s.foreign.topic(kind, by, s.lastMs, topic); err != nil {
			return err
		}
	}
	if s.failed != nil {
		return s.failed
	}
	end := s.im.room.base + s.im.room.count
	var all []chat.Membership
	for _, p := range members {
		all = append(all, chat.Membership{User: p.id, Since: end, Mark: end})
	}
	if err := s.im.enter(all); err != nil {
		return err
	}
	return s.im.endRoom()
}

type slackMessage struct {
	Type     string `json:"type"`
	Subtype  string `json:"subtype"`
	User     string `json:"user"`
	Text     string `json:"text"`
	TS       string `json:"ts"`
	ThreadTS string `json:"thread_ts"`
	BotID    string `json:"bot_id"`
	Username string `json:"username"`
	Topic    string `json:"topic"`
	Purpose  string `json:"purpose"`
	Profile  struct {
		Name string `json:"name"`
	} `json:"user_profile"`
	Files []struct {
		Name  string `json:"name"`
		Title string `json:"title"`
		URL   string `json:"url_private"`
		Link  string `json:"permalink"`
	} `json:"files"`
	Attachments []struct {
		Fallback string `json:"fallback"`
		Text     string `json:"text"`
	} `json:"attachments"`
	Reactions []struct {
		Name  string   `json:"name"`
		Users []string `json:"users"`
		Count int      `json:"count"`
	} `json:"reactions"`
	PinnedTo   []string `json:"pinned_to"`
	PinnedInfo struct {
		PinnedBy string `json:"pinned_by"`
	} `json:"pinned_info"`
}

// slackTime reads a time of Slack, which is what a message is known by, in microseconds.
func slackTime(s string) (uint64, bool) {
	seconds, fraction, _ := strings.Cut(s, ".")
	n, err := strconv.ParseUint(seconds, 10, 34)
	if err != nil || len(fraction) > 6 {
		return 0, false
	}
	micros, err := strconv.ParseUint(fraction+strings.Repeat("0", 6-len(fraction)), 10, 32)
	return n*1_000_000 + micros, err == nil && n > 0
}

func (s *slackReader) message(j *jsonStream) error {
	var m slackMessage
	if err := j.value(&m); err != nil {
		return err
	}
	ts, ok := slackTime(m.TS)
	if !ok {
		return wrong("a message has the time %q", cut(m.TS))
	}
	ms := int64(ts / 1000)
	speech := false
	switch m.Subtype {
	case "", "bot_message", "me_message", "thread_broadcast", "reply_broadcast", "file_share", "file_comment", "channel_topic", "group_topic", "channel_purpose", "group_purpose":
		speech = m.Type == "message" || m.Type == ""
	}
	if !speech {
		s.im.r.leftOut("messages of the program about joins, names and the like")
		return nil
	}
	by, err := s.authorOf(&m)
	if err != nil {
		return err
	}
	s.lastMs = max(s.lastMs, ms)
	switch m.Subtype {
	case "channel_topic", "group_topic":
		s.topic = s.text(m.Topic, new(mentioner))
		return s.foreign.topic(chat.EventTopic, by, ms, s.topic)
	case "channel_purpose", "group_purpose":
		return s.foreign.topic(chat.EventDescribe, by, ms, s.text(m.Purpose, new(mentioner)))
	}
	say := said{by: by, timeMs: ms, text: s.textOf(&m)}
	if s.failed != nil {
		return s.failed
	}
	if m.ThreadTS != "" && m.ThreadTS != m.TS {
		root, ok := slackTime(m.ThreadTS)
		seq, _, found := s.links.find(root)
		if ok && found {
			say.target = seq
		} else {
			s.im.r.leftOut("references to messages that are not in the file, or far before")
		}
	}
	seq, err := s.say(say)
	if err != nil || seq == 0 {
		return err
	}
	s.links.add(link{ts, seq, say.target})
	return s.onIt(&m, by, seq, ms)
}

// authorOf is who has said a message: a user, or a program by the name that it had.
func (s *slackReader) authorOf(m *slackMessage) (person, error) {
	switch {
	case m.User != "":
		return s.user(m.User, m.Profile.Name)
	case m.BotID != "" || m.Username != "":
		name := firstOf(m.Username, m.BotID)
		return s.im.user("slack", author{id: "bot " + first(m.BotID, formerNameBytes) + " " + first(name, formerNameBytes), name: name})
	}
	return person{}, wrong("a message has no user")
}

// textOf is what a message says, with its attachments and where its files are.
func (s *slackReader) textOf(m *slackMessage) string {
	mentions := new(mentioner)
	text := s.text(m.Text, mentions)
	if m.Subtype == "me_message" {
		text = "* " + text
	}
	if strings.TrimSpace(text) == "" {
		for i, a := range m.Attachments {
			if i >= filesOfMessageMax {
				break
			}
			text += "\n" + s.text(firstOf(a.Text, a.Fallback), mentions)
		}
	} else if len(m.Attachments) > 0 {
		s.im.r.leftOut("messages' previews and stickers")
	}
	for i, f := range m.Files {
		if i >= filesOfMessageMax {
			s.im.r.leftOut("files beyond those that a message may name")
			break
		}
		text += "\n[" + brackets(s.clean(firstOf(f.Name, f.Title, "file"))) + "] " + s.clean(firstOf(f.URL, f.Link))
		s.im.r.changed("files that are links now: their bytes are not in the export")
	}
	return text
}

// onIt puts reactions and a pin on a message.
func (s *slackReader) onIt(m *slackMessage, by person, seq chat.Seq, ms int64) error {
	var all reactions
	users := 0
	for i := range m.Reactions {
		r := &m.Reactions[i]
		if len(r.Users) < r.Count {
			s.im.r.leftOut("reactions of which the file does not say whose they are")
		}
		for _, id := range r.Users {
			if users++; users > reactionUsersMax {
				s.im.r.leftOut("reactions beyond those that a message may have")
				return nil
			}
			p, err := s.user(id, "")
			if err != nil {
				return err
			}
			if err := s.react(&all, p, seq, ms, shortcode(r.Name)); err != nil {
				return err
			}
		}
	}
	if len(m.PinnedTo) == 0 {
		return nil
	}
	if m.PinnedInfo.PinnedBy != "" {
		var err error
		if by, err = s.user(m.PinnedInfo.PinnedBy, ""); err != nil {
			return err
		}
	}
	return s.change(chat.EventPin, by, seq, ms, "")
}

var slackTones = strings.NewReplacer(":skin-tone-2:", "🏻", ":skin-tone-3:", "🏼", ":skin-tone-4:", "🏽", ":skin-tone-5:", "🏾", ":skin-tone-6:", "🏿")

var slackEntities = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

// text is a text of Slack's in the form that texts have here.
func (s *slackReader) text(raw string, mentions *mentioner) string {
	raw = s.clean(raw)
	var b bytes.Buffer
	for {
		at := strings.IndexByte(raw, '<')
		end := -1
		if at >= 0 {
			end = strings.IndexByte(raw[at:], '>')
		}
		if end < 0 {
			break
		}
		b.WriteString(s.plain(raw[:at]))
		b.WriteString(s.special(raw[at+1:at+end], mentions))
		raw = raw[at+end+1:]
	}
	b.WriteString(s.plain(raw))
	return b.String()
}

// plain is a text without special sequences: with its entities and emojis.
func (s *slackReader) plain(text string) string {
	parts := strings.Split(text, ":")
	for i := 1; i+1 < len(parts); i++ {
		if e := shortcode(parts[i]); e != "" && !strings.HasSuffix(parts[i-1], "\x00") {
			parts[i-1], parts[i] = parts[i-1]+"\x00", e+"\x00"
		}
	}
	text = strings.ReplaceAll(strings.Join(parts, ":"), "\x00:", "")
	return slackEntities.Replace(slackTones.Replace(strings.ReplaceAll(text, "\x00", "")))
}

// special is what stands between < and >: a mention, a channel, or a link.
func (s *slackReader) special(what string, mentions *mentioner) string {
	to, label, labelled := strings.Cut(what, "|")
	label = slackEntities.Replace(label)
	switch {
	case strings.HasPrefix(to, "@"):
		p, err := s.user(to[1:], label)
		if err != nil {
			if line := (*errLine)(nil); !errors.As(err, &line) {
				s.failed = err
			}
			return "@" + firstOf(label, to[1:])
		}
		return mentions.text(p)
	case to == "!channel", to == "!here", to == "!everyone":
		return mentions.text(person{})
	case strings.HasPrefix(to, "!"):
		return firstOf(label, to[1:])
	case strings.HasPrefix(to, "#"):
		return "#" + firstOf(label, to[1:])
	}
	to = slackEntities.Replace(to)
	if address := strings.TrimPrefix(strings.TrimPrefix(to, "mailto:"), "tel:"); !labelled || label == address || label == "" {
		return address
	}
	return label + " (" + to + ")"
}
