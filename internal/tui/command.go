package tui

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"sarang/chat"
)

// Verb is what a typed line asks for.
type Verb int

// The verbs. VerbSay is a line that is no command.
const (
	VerbSay Verb = iota
	VerbJoin
	VerbLeave
	VerbRooms
	VerbMembers
	VerbCreate
	VerbSwitch
	VerbHistory
	VerbInvite
	VerbRole
	VerbKick
	VerbBan
	VerbUnban
	VerbMute
	VerbHush
	VerbMsg
	VerbRegister
	VerbPassword
	VerbSessions
	VerbName
	VerbProfile
	VerbWhois
	VerbAway
	VerbBlock
	VerbUnblock
	VerbSeen
	VerbEdit
	VerbDelete
	VerbReact
	VerbReply
	VerbUnreact
	VerbPin
	VerbFollow
	VerbUnfollow
	VerbUnpin
	VerbMentions
	VerbThreads
	VerbPins
	VerbUnread
	VerbSend
	VerbSave
	VerbTopic
	VerbRename
	VerbDeleteRoom
	VerbDescribe
	VerbArchive
	VerbSlow
	VerbRetain
	VerbReport
	VerbReports
	VerbPurge
	VerbSearch
	VerbMakeLink
	VerbLinks
	VerbRevokeLink
	VerbFilter
	VerbHelp
	VerbQuit
)

// Command is a typed line, understood.
type Command struct {
	Verb      Verb
	Text      string // VerbSay, VerbMsg; VerbTopic: may be empty; VerbRegister: the invitation code; VerbSessions: "others" or nothing
	Room      string // VerbJoin, VerbCreate; VerbLeave, VerbSwitch, VerbHush: may be empty
	Number    int    // VerbSwitch: counted from 1; 0: Room says which. VerbSessions: the one to be ended; 0: none. VerbEdit and the like, VerbReport: counted from the end; 0: none. VerbReports: the one to be resolved. VerbMakeLink: for how many; 0: no bound. VerbRevokeLink: its id
	Ephemeral bool   // VerbCreate
	Private   bool   // VerbCreate
	Code      string // VerbJoin: of a link, in the place of a room
	Links     bool   // VerbSearch; Text, Who and Room may be empty
	Files     bool   // the same

	Path string // VerbSend; VerbSave: a folder, may be empty

	Setting chat.Setting // VerbArchive, VerbSlow, VerbRetain

	// VerbRole, VerbKick, VerbBan, VerbUnban, VerbMute; Who: VerbMsg, too, and the field of VerbProfile.
	Who    string
	Role   chat.Role
	For    time.Duration // 0: for good; VerbMakeLink, too
	Reason string        // may be empty; VerbReport, VerbReports, too

	Outcome chat.ReportOutcome // VerbReports; Number says of which, 0: of none
}

// verbs has what is needed to find a command and to say how it is used.
func verbs() []struct {
	name, usage, what string
	verb              Verb
} {
	return []struct {
		name, usage, what string
		verb              Verb
	}{
		{"join", "/join #room|CODE", "go into a room, or by a link", VerbJoin},
		{"leave", "/leave [#room]", "leave this room for good", VerbLeave},
		{"rooms", "/rooms", "your rooms, and the server's", VerbRooms},
		{"hush", "/hush [#room]", "do not tell me of it, or again", VerbHush},
		{"msg", "/msg NAME text", "say it to him alone", VerbMsg},
		{"topic", "/topic text", "say what the room is about", VerbTopic},
		{"members", "/members", "who is here (Ctrl-B, F2)", VerbMembers},
		{"create", "/create #room [-e|-p]", "make a room: not stored, private", VerbCreate},
		{"switch", "/switch N|#room", "another room (Alt-1, Ctrl-N/P)", VerbSwitch},
		{"history", "/history", "older messages (PgUp)", VerbHistory},
		{"invite", "/invite NAME", "he may come and speak", VerbInvite},
		{"invite-link", "/invite-link [7d|ever] [N]", "a link into this room, for N", VerbMakeLink},
		{"invite-links", "/invite-links", "the links into this room", VerbLinks},
		{"revoke-link", "/revoke-link N", "nobody comes by it any more", VerbRevokeLink},
		{"role", "/role NAME ROLE", "member, moderator, owner …", VerbRole},
		{"kick", "/kick NAME [why]", "send somebody out", VerbKick},
		{"ban", "/ban NAME [1d] [why]", "and he can not come back", VerbBan},
		{"unban", "/unban NAME", "take a ban or a silence back", VerbUnban},
		{"mute", "/mute NAME [10m] [why]", "he may not speak", VerbMute},
		{"rename", "/rename #name", "another name for this room", VerbRename},
		{"delete-room", "/delete-room #room", "with all that was said here", VerbDeleteRoom},
		{"describe", "/describe text", "say it at length", VerbDescribe},
		{"archive", "/archive [off]", "take nothing new, or again", VerbArchive},
		{"slow", "/slow 30s|off", "members wait between messages", VerbSlow},
		{"retention", "/retention 30d|off", "what is said goes after that", VerbRetain},
		{"report", "/report [^N] [why]", "tell the moderators of a message", VerbReport},
		{"reports", "/reports [all|N acted]", "what was reported; acted, rejected", VerbReports},
		{"purge", "/purge NAME HOURS", "delete what he has said", VerbPurge},
		{"filter", "/filter [+WORD|-WORD|links]", "what the room does not take", VerbFilter},
		{"register", "/register [code]", "keep your name, by a password", VerbRegister},
		{"password", "/password", "another password", VerbPassword},
		{"sessions", "/sessions [end N|others]", "where you are logged in", VerbSessions},
		{"name", "/name NAME", "another name; you stay who you are", VerbName},
		{"profile", "/profile [status …]", "say of yourself: " + profileFields, VerbProfile},
		{"whois", "/whois NAME", "who somebody is", VerbWhois},
		{"away", "/away [off]", "you do not sit here, or again", VerbAway},
		{"block", "/block NAME", "do not see what he says", VerbBlock},
		{"unblock", "/unblock NAME", "or again", VerbUnblock},
		{"seen", "/seen", "who has read the newest message", VerbSeen},
		{"edit", "/edit [^N] text", "say it so (your newest, or ^N)", VerbEdit},
		{"delete", "/delete [^N]", "take it back", VerbDelete},
		{"react", "/react [^N] 👍", "an emoji on a message", VerbReact},
		{"reply", "/reply [^N] text", "answer a message", VerbReply},
		{"unreact", "/unreact [^N] 👍", "take it back", VerbUnreact},
		{"pin", "/pin [^N]", "pin a message", VerbPin},
		{"unpin", "/unpin [^N]", "or take it off", VerbUnpin},
		{"send", "/send FILE [text]", "a file (\"…\" if it has spaces)", VerbSend},
		{"save", "/save [^N] [FOLDER]", "the files of a message", VerbSave},
		{"search", "/search [#room] words", "in your rooms; from:NAME has:link has:file", VerbSearch},
		{"mentions", "/mentions", "where somebody means you", VerbMentions},
		{"threads", "/threads", "what was answered here", VerbThreads},
		{"unread", "/unread", "threads of yours with news", VerbUnread},
		{"follow", "/follow [^N]", "follow the thread of a message", VerbFollow},
		{"unfollow", "/unfollow [^N]", "or not any more", VerbUnfollow},
		{"pins", "/pins", "what is pinned here", VerbPins},
		{"help", "/help", "show or hide this (F1)", VerbHelp},
		{"quit", "/quit", "end (Ctrl-C)", VerbQuit},
	}
}

// ParseCommand understands a line. A line that begins with "/" is a command, one that
// begins with "//" says what follows the first "/". The error is a sentence for the
// person who typed it.
func ParseCommand(line string) (Command, error) {
	if !strings.HasPrefix(line, "/") {
		return Command{Verb: VerbSay, Text: line}, nil
	}
	if strings.HasPrefix(line, "//") {
		return Command{Verb: VerbSay, Text: line[1:]}, nil
	}
	words := strings.Fields(line[1:])
	if len(words) == 0 {
		return Command{}, errors.New("a command follows the /; /help lists them; // begins a message with /")
	}
	name, rest := strings.ToLower(words[0]), words[1:]
	for _, v := range verbs() {
		if v.name != name {
			continue
		}
		c := Command{Verb: v.verb}
		if err := c.arguments(rest); err != nil {
			return Command{}, fmt.Errorf("%w; usage: %s", err, v.usage)
		}
		return c, nil
	}
	hint := "/help lists all"
	if near := nearest(name); near != "" {
		hint = "did you mean /" + near + "?"
	}
	return Command{}, fmt.Errorf("no command /%s; %s", cut(CleanLine(name), 20), hint)
}

// arguments reads what follows the name of a command.
func (c *Command) arguments(words []string) error {
	switch c.Verb {
	case VerbCreate:
		words = c.flags(words)
		return c.room(words, true)
	case VerbInvite, VerbRole, VerbKick, VerbBan, VerbUnban, VerbMute:
		return c.person(words)
	case VerbEdit, VerbDelete, VerbReact, VerbReply, VerbUnreact, VerbPin, VerbUnpin, VerbFollow, VerbUnfollow:
		return c.message(words)
	case VerbSend, VerbSave:
		return c.fileArguments(words)
	case VerbTopic, VerbDescribe:
		c.Text = strings.Join(words, " ")
		return nil
	case VerbArchive, VerbSlow, VerbRetain:
		return c.setting(words)
	case VerbSearch:
		return c.search(words)
	case VerbReport, VerbReports, VerbPurge:
		return c.reporting(words)
	case VerbMsg:
		if len(words) < 2 {
			return errors.New("to whom, and what?")
		}
		c.Who, c.Text = strings.TrimPrefix(words[0], "@"), strings.Join(words[1:], " ")
		return nil
	case VerbSessions:
		return c.sessions(words)
	case VerbName, VerbProfile, VerbWhois, VerbAway, VerbBlock, VerbUnblock, VerbSeen:
		return c.people(words)
	case VerbRegister:
		if len(words) > 1 {
			return errors.New("a password is not written here: it is asked for")
		}
		c.Text = strings.Join(words, "")
		return nil
	case VerbJoin:
		if code, is := chat.RoomLinkCode(strings.Join(words, " ")); is {
			c.Code = code
			return nil
		}
		return c.room(words, true)
	case VerbFilter:
		return c.filterArguments(words)
	case VerbMakeLink, VerbLinks, VerbRevokeLink:
		return c.link(words)
	case VerbRename, VerbDeleteRoom:
		return c.room(words, true)
	case VerbLeave, VerbHush:
		return c.room(words, false)
	case VerbSwitch:
		if len(words) == 1 && !strings.HasPrefix(words[0], "#") {
			if n, err := strconv.Atoi(words[0]); err == nil {
				if n < 1 {
					return errors.New("rooms are counted from 1")
				}
				c.Number = n
				return nil
			}
		}
		return c.room(words, true)
	}
	if len(words) > 0 {
		return fmt.Errorf("%q is not understood", CleanLine(words[0]))
	}
	return nil
}

func (c *Command) flags(words []string) (rest []string) {
	for _, w := range words {
		switch w {
		case "--ephemeral", "-e":
			c.Ephemeral = true
		case "--private", "-p":
			c.Private = true
		default:
			rest = append(rest, w)
		}
	}
	return rest
}

func (c *Command) room(words []string, wanted bool) (err error) {
	switch {
	case len(words) > 1:
		return fmt.Errorf("%q is not understood", CleanLine(words[1]))
	case len(words) == 1:
		c.Room, err = RoomName(words[0])
		return err
	case wanted:
		return errors.New("which room?")
	}
	return nil
}

// RoomName reads a room's name as people write it, with or without "#".
func RoomName(s string) (string, error) {
	name, _, err := chat.ParseRoomName(strings.TrimPrefix(s, "#"))
	return name, err
}

// nearest returns the command that a mistyped one most likely was, "" for none: one
// that it is the beginning of, or one with the same letters but for one or two.
func nearest(name string) string {
	for _, v := range verbs() {
		if strings.HasPrefix(v.name, name) {
			return v.name
		}
	}
	best, distance := "", 3
	for _, v := range verbs() {
		if d := editDistance(name, v.name); d < distance && d < len(v.name)-1 {
			best, distance = v.name, d
		}
	}
	return best
}

// editDistance counts the letters to be changed, added or left out to make b of a.
func editDistance(a, b string) int {
	if len(a) > 16 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
