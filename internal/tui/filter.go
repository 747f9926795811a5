package tui

import (
	"context"
	"errors"
	"slices"
	"strings"

	"sarang/chat"
)

// EditFilter changes what a room does not take, or asks; answered by Notice or Failed.
type EditFilter struct {
	Room  chat.RoomID
	Word  string // a word or phrase that is put in, or taken out
	Out   bool   // it is taken out
	Links int    // 1: links are not taken; -1: they are; 0: as it was
	Off   bool   // everything is taken
}

// filterArguments reads what follows /filter: nothing, +word, -word, links, links off, or off.
func (c *Command) filterArguments(words []string) error {
	text := strings.Join(words, " ")
	switch strings.ToLower(text) {
	case "", "off", "links", "links on", "links off":
		c.Text = strings.ToLower(text)
		return nil
	}
	if word := text[1:]; (text[0] == '+' || text[0] == '-') && strings.TrimSpace(word) != "" {
		c.Text = text[:1] + strings.TrimSpace(word)
		return nil
	}
	return errors.New("+ and a word or phrase is not taken any more, - takes it out again")
}

// filtering is what /filter does.
func (m *Model) filtering(text string) []Effect {
	if len(m.rooms) == 0 {
		m.hint = "you are in no room"
		return nil
	}
	e := EditFilter{Room: m.room().info.ID}
	switch text {
	case "":
	case "off":
		e.Off = true
	case "links", "links on":
		e.Links = 1
	case "links off":
		e.Links = -1
	default:
		e.Word, e.Out = text[1:], text[0] == '-'
	}
	return []Effect{e}
}

func (e EditFilter) perform(ctx context.Context, c Conn) any {
	f, err := c.Filter(ctx, e.Room)
	if err != nil {
		return Failed{"the filter", plainly(err)}
	}
	ask := e == EditFilter{Room: e.Room}
	is := func(w string) bool { return strings.EqualFold(w, e.Word) }
	switch {
	case e.Off:
		f = chat.RoomFilter{}
	case e.Links != 0:
		f.Links = e.Links > 0
	case e.Out && !slices.ContainsFunc(f.Words, is):
		return Failed{"the filter", errors.New("it does not have that word")}
	case e.Out:
		f.Words = slices.DeleteFunc(f.Words, is)
	case e.Word != "":
		f.Words = append(f.Words, e.Word)
	}
	if !ask {
		if f, err = c.SetFilter(ctx, e.Room, f); err != nil {
			return Failed{"the filter", plainly(err)}
		}
	}
	if f.Empty() {
		return Notice{"this room takes everything; /filter +WORD changes that"}
	}
	text := "this room does not take"
	for i, w := range f.Words {
		if i > 0 {
			text += ","
		}
		text += " “" + CleanLine(w) + "”"
	}
	switch {
	case f.Links && len(f.Words) > 0:
		text += ", and links"
	case f.Links:
		text += " links"
	}
	return Notice{text}
}
