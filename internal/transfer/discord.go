package transfer

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	"sarang/chat"
)

// An export of a channel of Discord in the JSON form of DiscordChatExporter: an object with the
// guild, the channel, and the messages from old to new.

type discordUser struct {
	ID            string `json:"id"`
	Name          string `json:"name"`
	Discriminator string `json:"discriminator"`
	Nickname      string `json:"nickname"`
}

type discordChannel struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Category string `json:"category"`
	Name     string `json:"name"`
	Topic    string `json:"topic"`
}

type discordMessage struct {
	ID          string        `json:"id"`
	Type        string        `json:"type"`
	Timestamp   string        `json:"timestamp"`
	IsPinned    bool          `json:"isPinned"`
	Content     string        `json:"content"`
	Author      discordUser   `json:"author"`
	Mentions    []discordUser `json:"mentions"`
	Attachments []struct {
		URL      string `json:"url"`
		FileName string `json:"fileName"`
	} `json:"attachments"`
	Embeds    []struct{} `json:"embeds"`
	Stickers  []struct{} `json:"stickers"`
	Reactions []struct {
		Emoji struct {
			Name string `json:"name"`
		} `json:"emoji"`
		Count int           `json:"count"`
		Users []discordUser `json:"users"`
	} `json:"reactions"`
	Reference *struct {
		MessageID string `json:"messageId"`
		ChannelID string `json:"channelId"`
	} `json:"reference"`
}

type discordReader struct {
	foreign
	s       *jsonStream
	channel *discordChannel
	began   bool
}

func readDiscord(im *importer, f *source) error {
	d := &discordReader{foreign: foreign{im: im, format: "discord"}, s: newJSONStream(withoutMark(f))}
	err := d.file()
	var bad *errJSON
	if errors.As(err, &bad) {
		err = im.r.fault(f.Name(), "%v", bad)
	}
	if err != nil {
		return err
	}
	return im.endRoom()
}

func (d *discordReader) file() error {
	if err := d.s.delim('{'); err != nil {
		return err
	}
	for d.s.more() {
		name, err := d.s.token()
		if err != nil {
			return err
		}
		switch name {
		case "channel":
			var c discordChannel
			if err = d.s.value(&c); err == nil {
				d.channel = &c
			}
		case "messages":
			if d.channel == nil || d.channel.ID == "" {
				return d.im.r.fault("messages", "there is no channel before them: it is no export of DiscordChatExporter")
			}
			err = d.s.each(d.im, "messages", d.message)
		default:
			err = d.s.skip()
		}
		if err = d.im.faulty(cut(stringOf(name)), err); err != nil {
			return err
		}
	}
	if err := d.s.delim('}'); err != nil {
		return err
	}
	if d.channel == nil {
		return d.im.r.fault("the file", "there is no channel: it is no export of DiscordChatExporter")
	}
	return nil
}

func stringOf(v any) string {
	s, _ := v.(string)
	return s
}

func (d *discordReader) user(u *discordUser) (person, error) {
	if u.ID == "" || len(u.ID) > formerNameBytes {
		return person{}, wrong("a user has no id")
	}
	name := u.Name
	as := []string(nil)
	if u.Discriminator != "" && u.Discriminator != "0000" && u.Discriminator != "0" {
		as = []string{name + "#" + u.Discriminator}
	}
	return d.im.user("discord", author{id: u.ID, name: name, display: u.Nickname, as: as})
}

// discordSpeech are the types of messages that somebody has said.
var discordSpeech = map[string]bool{"Default": true, "Reply": true, "ApplicationCommand": true, "ChatInputCommand": true, "ContextMenuCommand": true, "0": true, "19": true, "": true}

func (d *discordReader) message() error {
	var m discordMessage
	if err := d.s.value(&m); err != nil {
		return err
	}
	if !discordSpeech[m.Type] {
		d.im.r.leftOut("messages of the program about joins, pins and the like")
		return nil
	}
	id, err := strconv.ParseUint(m.ID, 10, 64)
	if err != nil {
		return wrong("a message has the id %q", cut(m.ID))
	}
	at, err := time.Parse(time.RFC3339Nano, m.Timestamp)
	if err != nil {
		return wrong("message %d has no time", id)
	}
	ms := at.UnixMilli()
	by, err := d.user(&m.Author)
	if err != nil {
		return err
	}
	if err := d.beginOnce(ms); err != nil {
		return err
	}
	text, err := d.text(&m)
	if err != nil {
		return err
	}
	say := said{by: by, timeMs: ms, text: text}
	if ref := m.Reference; ref != nil && ref.MessageID != "" {
		target, err := strconv.ParseUint(ref.MessageID, 10, 64)
		seq, root, found := d.links.find(target)
		if err == nil && found && (ref.ChannelID == "" || ref.ChannelID == d.channel.ID) {
			say.target, say.root = seq, root
		} else {
			d.im.r.leftOut("references to messages that are not in the file, or far before")
		}
	}
	seq, err := d.say(say)
	if err != nil || seq == 0 {
		return err
	}
	root := say.root
	if root == 0 {
		root = say.target
	}
	d.links.add(link{id, seq, root})
	return d.onIt(&m, by, seq, ms)
}

// beginOnce makes the room at the first message.
func (d *discordReader) beginOnce(ms int64) error {
	if d.began {
		return nil
	}
	d.began = true
	c := d.channel
	r := chat.Room{CreatedMs: d.im.o.nowMs(), Private: strings.HasPrefix(c.Type, "Direct") || strings.HasPrefix(c.Type, "GuildPrivate")}
	if r.Private {
		d.im.r.tell("channel %q is private, and the file does not say who is in it: an operator of the server is to give roles there", cut(c.Name))
	}
	if err := d.begin(c.ID, c.Name, r); err != nil {
		return err
	}
	return d.topic(chat.EventDescribe, person{}, ms, c.Topic)
}

var discordMention = regexp.MustCompile(`<@!?(\d{1,20})>`)

// text is what a message says, with its mentions and where its attachments are.
func (d *discordReader) text(m *discordMessage) (string, error) {
	text := d.clean(m.Content)
	named := map[string]person{}
	for i := range m.Mentions {
		if i >= reactionUsersMax {
			break
		}
		u := &m.Mentions[i]
		p, err := d.user(u)
		if err != nil {
			return "", err
		}
		named[u.ID] = p
	}
	var mentions mentioner
	text = discordMention.ReplaceAllStringFunc(text, func(s string) string {
		if p, known := named[discordMention.FindStringSubmatch(s)[1]]; known {
			return mentions.text(p)
		}
		return s
	})
	// Without --markdown false the exporter has put names there.
	for i := range m.Mentions {
		if i >= chat.MentionsPerMessageMax {
			break
		}
		u := &m.Mentions[i]
		for _, name := range []string{u.Nickname, u.Name} {
			if name = d.clean(name); name != "" {
				text = replaceName(text, "@"+name, mentions.text, named[u.ID])
			}
		}
	}
	if strings.Contains(text, "@everyone") {
		text = replaceName(text, "@everyone", mentions.text, person{})
	}
	for i, a := range m.Attachments {
		if i >= filesOfMessageMax {
			d.im.r.leftOut("files beyond those that a message may name")
			break
		}
		text += "\n[" + brackets(d.clean(a.FileName)) + "] " + d.clean(a.URL)
		d.im.r.changed("files that are links now: their bytes are not in the export")
	}
	if len(m.Embeds)+len(m.Stickers) > 0 {
		d.im.r.leftOut("messages' previews and stickers")
	}
	return text, nil
}

// brackets is a text without brackets.
func brackets(s string) string { return strings.NewReplacer("[", "(", "]", ")").Replace(s) }

// replaceName puts mentions in the place of a name that stands in a text as a word, outside of
// mentions.
func replaceName(text, name string, mention func(person) string, p person) string {
	var b strings.Builder
	for {
		at := strings.Index(text, name)
		if at < 0 {
			break
		}
		after := text[at+len(name):]
		inside := at > 0 && text[at-1] == '['
		longer := after != "" && (after[0] == '_' || after[0] >= '0' && after[0] <= '9' || after[0]|0x20 >= 'a' && after[0]|0x20 <= 'z' || after[0] >= 0x80)
		b.WriteString(text[:at])
		if inside || longer {
			b.WriteString(name)
		} else {
			b.WriteString(mention(p))
		}
		text = after
	}
	b.WriteString(text)
	return b.String()
}

// onIt puts reactions and a pin on a message.
func (d *discordReader) onIt(m *discordMessage, by person, seq chat.Seq, ms int64) error {
	var all reactions
	users := 0
	for i := range m.Reactions {
		r := &m.Reactions[i]
		if len(r.Users) < r.Count {
			d.im.r.leftOut("reactions of which the file does not say whose they are")
		}
		for j := range r.Users {
			if users++; users > reactionUsersMax {
				d.im.r.leftOut("reactions beyond those that a message may have")
				return nil
			}
			p, err := d.user(&r.Users[j])
			if err != nil {
				return err
			}
			if err := d.react(&all, p, seq, ms, r.Emoji.Name); err != nil {
				return err
			}
		}
	}
	if m.IsPinned {
		return d.change(chat.EventPin, by, seq, ms, "")
	}
	return nil
}
