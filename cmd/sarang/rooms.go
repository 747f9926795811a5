package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sarang/chat"
	"sarang/internal/control"
)

func roomCommand() *cobra.Command {
	list := operation("list", "List all rooms, the private ones as well, by their ids", "room-list", cobra.NoArgs,
		func(c *cobra.Command) func([]string) (any, error) {
			after := c.Flags().Uint64("after", 0, "begin behind this id")
			most := c.Flags().Int("max", 0, "so many, at most 1000; default 100")
			return func([]string) (any, error) {
				return control.RoomsArgs{After: chat.RoomID(*after), Max: *most}, nil
			}
		}, func(r control.Rooms) string {
			s := ""
			for _, room := range r.Rooms {
				s += roomLine(room)
			}
			return s
		})
	show := operation("show ROOM|id:N", "Show a room, and what the audit log has of it", "room-show", cobra.ExactArgs(1),
		func(*cobra.Command) func([]string) (any, error) {
			return func(a []string) (any, error) { return control.WhichArgs{Room: a[0]}, nil }
		}, func(r control.ShownRoom) string {
			s := roomLine(r.Room)
			if r.CreatorName != "" {
				s += fmt.Sprintf("          made by %s (user %d) on %s\n", r.CreatorName, r.Creator, when(r.CreatedMs))
			}
			if r.Description != "" {
				s += "          " + strings.ReplaceAll(r.Description, "\n", "\n          ") + "\n"
			}
			for _, e := range r.Audit {
				s += "          " + entryLine(e)
			}
			return s
		})
	return group("room", "List, show, set, rename and delete rooms",
		"List rooms and show them; archive, describe, slow down, rename and delete them as their\n"+
			"owners can. A room is named by its name, or by id:N. Those who are in it see that whoever\n"+
			"operates the server did it.",
		list, show,
		setCommand("archive ROOM|id:N", "Archive a room: it can be read, and takes nothing new", cobra.ExactArgs(1),
			func(a []string) (control.SetArgs, error) {
				return control.SetArgs{Setting: chat.EventArchive, Value: 1}, nil
			}),
		setCommand("unarchive ROOM|id:N", "Open an archived room again", cobra.ExactArgs(1),
			func(a []string) (control.SetArgs, error) { return control.SetArgs{Setting: chat.EventArchive}, nil }),
		setCommand("rename ROOM|id:N NAME", "Give a room another name; the old one is kept for a while", cobra.ExactArgs(2),
			func(a []string) (control.SetArgs, error) {
				return control.SetArgs{Setting: chat.EventName, Text: strings.TrimPrefix(a[1], "#")}, nil
			}),
		setCommand("describe ROOM|id:N TEXT", "Give a room a description; an empty text takes it away", cobra.ExactArgs(2),
			func(a []string) (control.SetArgs, error) {
				return control.SetArgs{Setting: chat.EventDescribe, Text: a[1]}, nil
			}),
		setCommand("slow ROOM|id:N TIME", "Have members wait after each message (30s, 5m; 0: they need not)", cobra.ExactArgs(2), slowArgs),
		deleteRoomCommand())
}

func roomLine(r control.Room) string {
	what := ""
	if r.Private {
		what = "  private"
	}
	if r.Ephemeral {
		what = "  ephemeral"
	}
	if r.Archived {
		what += "  archived"
	}
	if r.SlowSeconds > 0 {
		what += fmt.Sprintf("  each %v", time.Duration(r.SlowSeconds)*time.Second)
	}
	return fmt.Sprintf("%8d  #%-32s %8d events  last %s%s\n", r.ID, r.Name, r.LastSeq, when(r.LastMs), what)
}

// setCommand changes a setting of the room that its first argument names.
func setCommand(use, short string, args cobra.PositionalArgs, setting func(a []string) (control.SetArgs, error)) *cobra.Command {
	return operation(use, short, "room-set", args, func(*cobra.Command) func([]string) (any, error) {
		return func(a []string) (any, error) {
			q, err := setting(a)
			q.Room = a[0]
			return q, err
		}
	}, roomLine)
}

func slowArgs(a []string) (control.SetArgs, error) {
	d, err := time.ParseDuration(a[1])
	if err != nil || d < 0 || d%time.Second != 0 || d > chat.SlowSecondsMax*time.Second {
		return control.SetArgs{}, fmt.Errorf("%q is no time to wait: give 30s or 5m, whole seconds, up to %v; 0 for none", a[1], chat.SlowSecondsMax*time.Second)
	}
	return control.SetArgs{Setting: chat.EventSlow, Value: uint32(d / time.Second)}, nil
}

func deleteRoomCommand() *cobra.Command {
	c := operation("delete ROOM|id:N", "Delete a room with all that was said in it", "room-delete", cobra.ExactArgs(1),
		func(*cobra.Command) func([]string) (any, error) {
			return func(a []string) (any, error) { return control.WhichArgs{Room: a[0]}, nil }
		}, func(r control.Room) string { return fmt.Sprintf("#%s (room %d) is deleted\n", r.Name, r.ID) })
	c.Long = "Delete a room with all that was said in it, for good. Who is in it is put out. Its name is\n" +
		"nobody's for a while. A server that runs erases what was in it by and by; when none runs it\n" +
		"is erased when the command is done." + operateHelp
	return c
}
