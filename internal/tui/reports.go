package tui

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"sarang/chat"
	"sarang/client"
)

// What is told to moderators, and what they do about it, as effects, and what came of it.
type (
	// Report tells the moderators of a room of a message. It is answered by a Notice.
	Report struct {
		Room   chat.RoomID
		Seq    chat.Seq
		Reason string // may be empty
	}

	// Reports asks for what was reported in a room, and is answered by ReportsLoaded.
	Reports struct {
		Room chat.RoomID
		All  bool // what was resolved as well
	}

	// ReportsLoaded answers Reports.
	ReportsLoaded struct{ Page client.ReportPage }

	// Resolve says what became of a report. It is answered by a Notice.
	Resolve struct {
		Room    chat.RoomID
		ID      uint64
		Outcome chat.ReportOutcome
		Note    string // may be empty
	}

	// Purge deletes what somebody has said of late. It is answered by a Notice, and its events
	// show it.
	Purge struct {
		Room chat.RoomID
		Name string
		Last time.Duration
	}
)

// aboutReports reports whether the command is about reports, or what follows from them.
func (v Verb) aboutReports() bool { return v >= VerbReport && v <= VerbPurge }

// purgeHoursMax is how far back a server purges.
const purgeHoursMax = 30 * 24

// reporting reads the arguments of such a command.
func (c *Command) reporting(words []string) error {
	switch c.Verb {
	case VerbReport:
		words, err := c.counted(words)
		if err != nil {
			return err
		}
		c.Reason = strings.Join(words, " ")
	case VerbReports:
		if len(words) == 0 {
			return nil
		}
		if len(words) == 1 && words[0] == "all" {
			c.Text = "all"
			return nil
		}
		id, err := strconv.ParseUint(words[0], 10, 31)
		if err != nil || id == 0 || len(words) < 2 {
			return errors.New("which one, and was it acted on or rejected?")
		}
		outcome, known := chat.ParseOutcome(strings.ToLower(words[1]))
		if !known || outcome == chat.ReportOpen {
			return errors.New("acted or rejected?")
		}
		c.Number, c.Outcome, c.Reason = int(id), outcome, strings.Join(words[2:], " ")
	case VerbPurge:
		if len(words) != 2 {
			return errors.New("whose messages, and of how many hours?")
		}
		name, _, err := chat.ParseUserName(strings.TrimPrefix(words[0], "@"))
		if err != nil {
			return err
		}
		hours, err := strconv.ParseUint(strings.TrimSuffix(words[1], "h"), 10, 31)
		if err != nil || hours == 0 || hours > purgeHoursMax {
			return fmt.Errorf("1 to %d hours", purgeHoursMax)
		}
		c.Who, c.For = name, time.Duration(hours)*time.Hour
	}
	if len(c.Reason) > chat.ReasonBytesMax {
		return fmt.Errorf("the reason is too long: %d bytes, %d are allowed", len(c.Reason), chat.ReasonBytesMax)
	}
	return nil
}

// reported is the effect of such a command in a room. nth finds a message, counted from the end.
func (c *Command) reported(room chat.RoomID, nth func(n int) (chat.Seq, bool)) (Effect, error) {
	switch {
	case c.Verb == VerbPurge:
		return Purge{room, c.Who, c.For}, nil
	case c.Verb == VerbReports && c.Number > 0:
		return Resolve{room, uint64(c.Number), c.Outcome, c.Reason}, nil
	case c.Verb == VerbReports:
		return Reports{room, c.Text == "all"}, nil
	}
	seq, found := nth(max(c.Number, 1))
	if !found {
		return nil, errors.New("there is no such message")
	}
	return Report{room, seq, c.Reason}, nil
}

// reporting is the effect of such a command in the room that is shown. Without a number a report
// is of the newest message of somebody else.
func (m *Model) reporting(c Command) []Effect {
	if len(m.rooms) == 0 {
		m.hint = "you are in no room; /rooms lists them, /join #room goes into one"
		return nil
	}
	r := m.room()
	effect, err := c.reported(r.info.ID, func(n int) (chat.Seq, bool) {
		for i := len(r.entries) - 1; i >= 0; i-- {
			e := r.entries[i]
			if e.kind != entryMessage || e.seq == 0 || e.epoch != r.info.Epoch || c.Number == 0 && e.own {
				continue
			}
			if n--; n == 0 {
				return e.seq, true
			}
		}
		return 0, false
	})
	if err != nil {
		m.hint = err.Error()
		return nil
	}
	return []Effect{effect}
}

// performReport does what such effects ask for. False: it is no such effect.
func performReport(ctx context.Context, c Conn, effect Effect) (any, bool) {
	switch e := effect.(type) {
	case Report:
		r, err := c.Report(ctx, e.Room, e.Seq, e.Reason)
		if err != nil {
			return Failed{"the report", plainly(err)}, true
		}
		return Notice{fmt.Sprintf("the moderators are told (report %d)", r.ID)}, true
	case Reports:
		page, err := c.Reports(ctx, e.Room, 0, e.All)
		if err != nil {
			return Failed{"the reports", plainly(err)}, true
		}
		return ReportsLoaded{page}, true
	case Resolve:
		r, err := c.Resolve(ctx, e.Room, e.ID, e.Outcome, e.Note)
		if err != nil {
			return Failed{"the report", plainly(err)}, true
		}
		return Notice{fmt.Sprintf("report %d is resolved: %v", r.ID, r.Outcome)}, true
	case Purge:
		p, err := c.LookUp(ctx, e.Name)
		if err == nil {
			err = c.Purge(ctx, e.Room, p.User, e.Last)
		}
		if err != nil {
			return Failed{CleanLine(e.Name), plainly(err)}, true
		}
		return Notice{fmt.Sprintf("what %s has said in the last %d hours is deleted", CleanLine(p.Name), e.Last/time.Hour)}, true
	}
	return nil, false
}

// reportsText are reports as people read them. It is clean. said is what a message says now, as
// far as that is known here.
func reportsText(p client.ReportPage, zone *time.Location, said func(chat.Seq) string) string {
	if len(p.Reports) == 0 {
		return "nothing is reported here"
	}
	var lines []string
	for _, r := range p.Reports {
		line := fmt.Sprintf("report %d: %s", r.ID, CleanLine(r.AuthorName))
		if text := said(r.Seq); text != "" {
			line += ": " + cut(text, 60)
		} else {
			line += fmt.Sprintf(", message %d", r.Seq)
		}
		line += " — by " + CleanLine(r.ReporterName) + ", " + time.UnixMilli(r.TimeMs).In(zone).Format("2006-01-02 15:04")
		if r.Reason != "" {
			line += ": " + CleanLine(r.Reason)
		}
		if r.Outcome != chat.ReportOpen {
			line += " — " + r.Outcome.String()
			if r.Note != "" {
				line += ": " + CleanLine(r.Note)
			}
		}
		lines = append(lines, line)
	}
	if p.More {
		lines = append(lines, "… and more; resolve these first: /reports N acted|rejected")
	}
	return strings.Join(lines, "\n")
}

// reportsLoaded shows reports in the room that they are of.
func (m *Model) reportsLoaded(p client.ReportPage) {
	m.say(entryNotice, reportsText(p, m.zone, func(seq chat.Seq) string {
		if r := m.find(p.Room); r != nil {
			if said, ok := r.view.Message(seq); ok && !said.Gone() {
				return CleanLine(r.named(said.Text))
			}
		}
		return ""
	}))
}
