package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sarang/internal/control"
)

// noTell is for operations that tell nothing before their result.
func noTell(control.Answer) {}

// when writes a time for people.
func when(ms int64) string {
	if ms <= 0 {
		return "-"
	}
	return time.UnixMilli(ms).Format("2006-01-02 15:04:05")
}

// until says for how long something holds.
func until(ms int64) string {
	if ms == 0 {
		return "for good"
	}
	return "until " + when(ms)
}

// because is a reason behind a sentence.
func because(why string) string {
	if why == "" {
		return ""
	}
	return ": " + why
}

// group is a command that holds others.
func group(use, short, long string, all ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short, Long: long, Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(all...)
	return c
}

// operation makes a command that has one operation done and prints its result.
func operation[R any](use, short, do string, args cobra.PositionalArgs, flags func(*cobra.Command) func(a []string) (any, error), text func(R) string) *cobra.Command {
	var f operateFlags
	c := &cobra.Command{Use: use, Short: short, Long: short + "." + operateHelp, Args: usageArgs(args)}
	f.add(c)
	with := flags(c)
	c.RunE = func(c *cobra.Command, a []string) error {
		asked, err := with(a)
		if err != nil {
			return usageError{err}
		}
		r, err := ask[R](c.Context(), &f, do, asked, noTell)
		if err != nil {
			return printable(err)
		}
		return f.print(c, r, func() string { return text(r) })
	}
	return c
}

func userCommand() *cobra.Command {
	find := func(use, short string, args cobra.PositionalArgs) *cobra.Command {
		return operation(use, short, "user-find", args, func(c *cobra.Command) func([]string) (any, error) {
			after := c.Flags().String("after", "", "begin behind this name")
			most := c.Flags().Int("max", 0, "so many, at most 1000; default 100")
			return func(a []string) (any, error) {
				q := control.FindArgs{After: *after, Max: *most}
				if len(a) > 0 {
					q.Prefix = a[0]
				}
				return q, nil
			}
		}, usersText)
	}
	show := operation("show NAME|id:N", "Show a user: rooms, ban, and what the audit log has", "user-show", cobra.ExactArgs(1),
		func(*cobra.Command) func([]string) (any, error) {
			return func(a []string) (any, error) { return control.WhoArgs{Who: a[0]}, nil }
		}, shownText)
	operator := operation("operator NAME|id:N", "Make a user an operator of the server, or take it back", "user-operator", cobra.ExactArgs(1),
		func(c *cobra.Command) func([]string) (any, error) {
			off := c.Flags().Bool("off", false, "he is none any more")
			reason := c.Flags().String("reason", "", "for the audit log")
			return func(a []string) (any, error) {
				return control.OperatorArgs{Who: a[0], Off: *off, Reason: *reason}, nil
			}
		}, func(u control.User) string {
			if u.Operator {
				return fmt.Sprintf("%s (user %d) is an operator of the server: he rules in every room\n", u.Name, u.ID)
			}
			return fmt.Sprintf("%s (user %d) is no operator of the server\n", u.Name, u.ID)
		})
	return group("user", "Find users, make operators, reset passwords, export or erase somebody",
		"Find users, make operators, reset passwords, export what is stored of somebody, or erase\nhim. A user is named by\nthe name that he has now, or by id:N.",
		find("list", "List the users who have a name, in its order", cobra.NoArgs),
		find("search PREFIX", "List the users whose name begins with something", cobra.ExactArgs(1)),
		show, operator, resetPasswordCommand(), endSessionsCommand(), exportCommand(), eraseCommand())
}

func userLine(u control.User) string {
	what := ""
	if u.Operator {
		what = "  operator"
	}
	if !u.HasName {
		what += "  (somebody else has the name now)"
	}
	return fmt.Sprintf("%8d  %-32s %8d messages  seen %s%s\n", u.ID, u.Name, u.Sent, when(u.SeenMs), what)
}

func usersText(r control.Users) string {
	s := ""
	for _, u := range r.Users {
		s += userLine(u)
	}
	return s
}

func shownText(r control.Shown) string {
	s := userLine(r.User) + fmt.Sprintf("          since %s\n", when(r.CreatedMs))
	if p := r.Profile; p != nil {
		for _, line := range [][2]string{{"called", p.DisplayName}, {"status", p.Status}, {"about", strings.ReplaceAll(p.About, "\n", "\n                 ")}} {
			if line[1] != "" {
				s += fmt.Sprintf("          %s %s\n", line[0], line[1])
			}
		}
		if p.Hidden {
			s += "          nobody is told whether he is online\n"
		}
	}
	if r.Ban != nil {
		s += "          " + banLine(*r.Ban)
	}
	for _, room := range r.Rooms {
		s += fmt.Sprintf("          #%s: %s\n", room.Name, room.Role)
	}
	for _, e := range r.Audit {
		s += "          " + entryLine(e)
	}
	return s
}

func exportCommand() *cobra.Command {
	var f operateFlags
	c := &cobra.Command{
		Use: "export NAME|id:N", Short: "Print all that is stored of a user, as lines of JSON",
		Long: "Print all that is stored of a user, as lines of JSON: one with the user, what he says of\n" +
			"himself and whom he blocks, then for each\n" +
			"room one with his role there, and one for each thing that he did in it. It reads the\n" +
			"logs of his rooms, which takes its time." + operateHelp,
		Args: usageArgs(cobra.ExactArgs(1)),
	}
	f.add(c)
	c.RunE = func(c *cobra.Command, a []string) error {
		var failed error
		_, err := ask[control.ExportResult](c.Context(), &f, "user-export", control.WhoArgs{Who: a[0]}, func(part control.Answer) {
			if part.Part != nil && failed == nil {
				_, failed = fmt.Fprintf(c.OutOrStdout(), "%s\n", part.Part)
			}
		})
		return printable(errors.Join(err, failed))
	}
	return c
}

func banCommand() *cobra.Command {
	c := operation("ban NAME|id:N|ADDRESS|NETWORK", "Shut a user, an address or a network out of the server", "ban", cobra.ExactArgs(1),
		func(c *cobra.Command) func([]string) (any, error) {
			length := c.Flags().String("for", "", "it ends by itself after that: 30m, 12h, 7d; default: it does not")
			reason := c.Flags().String("reason", "", "he is told, and the audit log has it")
			return func(a []string) (any, error) {
				q := control.BanArgs{Target: a[0], Reason: *reason}
				if *length != "" {
					d, err := parseLength(*length)
					if err != nil {
						return nil, err
					}
					q.Seconds = int64(d / time.Second)
				}
				return q, nil
			}
		}, banLine)
	c.Long = "Shut a user, an address or a network out of the server. When the command is done, the\n" +
		"sessions of those are over, nothing that they say gets into a room any more, and nobody\n" +
		"of them is let in. Somebody whose name is an address, or a command, is named by id:N." + operateHelp
	c.Example = "  sarang ban bob --for 1d --reason spam\n  sarang ban 2001:db8::/64"
	list := operation("list", "List the bans from the server", "ban-list", cobra.NoArgs, func(c *cobra.Command) func([]string) (any, error) {
		after := c.Flags().Uint64("after", 0, "begin behind this number")
		most := c.Flags().Int("max", 0, "so many, at most 1000; default 100")
		return func([]string) (any, error) { return control.BansArgs{After: *after, Max: *most}, nil }
	}, func(r control.Bans) string {
		s := ""
		for _, b := range r.Bans {
			s += banLine(b)
		}
		return s
	})
	remove := operation("remove NUMBER", "Take a ban from the server back", "ban-remove", cobra.ExactArgs(1), func(c *cobra.Command) func([]string) (any, error) {
		reason := c.Flags().String("reason", "", "for the audit log")
		return func(a []string) (any, error) {
			id, err := strconv.ParseUint(a[0], 10, 63)
			if err != nil {
				return nil, fmt.Errorf("%q is no number of a ban: 'sarang ban list' has them", a[0])
			}
			return control.UnbanArgs{ID: id, Reason: *reason}, nil
		}
	}, func(b control.Ban) string { return "taken back: " + banLine(b) })
	c.AddCommand(list, remove)
	return c
}

func banLine(b control.Ban) string {
	who := b.Network
	if b.User != 0 {
		who = fmt.Sprintf("%s (user %d)", b.UserName, b.User)
	}
	over := ""
	if b.Over {
		over = " (over)"
	}
	return fmt.Sprintf("ban %d of %s, %s%s%s\n", b.ID, who, until(b.UntilMs), over, because(b.Reason))
}

// parseLength reads a length of time, also in days.
func parseLength(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if days, is := strings.CutSuffix(s, "d"); is {
		var n float64
		if n, err = strconv.ParseFloat(days, 64); err == nil && n > 0 && n <= 36500 {
			d = time.Duration(n * 24 * float64(time.Hour))
		}
	}
	if err != nil || d < time.Second {
		return 0, fmt.Errorf("%q is no length of time: give 30m, 12h or 7d", s)
	}
	return d, nil
}

func auditCommand() *cobra.Command {
	return operation("audit", "Print the audit log: what moderators and operators have done, the newest first", "audit", cobra.NoArgs,
		func(c *cobra.Command) func([]string) (any, error) {
			user := c.Flags().String("user", "", "by this user, or about him")
			room := c.Flags().String("room", "", "in this room")
			since := c.Flags().String("since", "", "so long ago at most (30m, 12h, 7d), or since this day (2026-11-30)")
			before := c.Flags().String("before", "", "what is older than that: the text behind 'older' of the page before")
			most := c.Flags().Int("max", 0, "so many, at most 1000; default 100")
			return func([]string) (any, error) {
				q := control.AuditArgs{User: *user, Room: *room, Max: *most}
				if *since != "" {
					if day, err := time.ParseInLocation("2006-01-02", *since, time.Local); err == nil {
						q.SinceMs = day.UnixMilli()
					} else if d, err := parseLength(*since); err == nil {
						q.SinceMs = time.Now().Add(-d).UnixMilli()
					} else {
						return nil, err
					}
				}
				if *before != "" {
					if _, err := fmt.Sscanf(*before, "%d-%d-%d-%d", &q.Before.TimeMs, &q.Before.Room, &q.Before.Seq, &q.Before.ID); err != nil {
						return nil, fmt.Errorf("--before is %q, which no page has told", *before)
					}
				}
				return q, nil
			}
		}, func(r control.Entries) string {
			s := ""
			for _, e := range r.Entries {
				s += entryLine(e)
			}
			if n := r.Next; n != nil {
				s += fmt.Sprintf("older: --before %d-%d-%d-%d\n", n.TimeMs, n.Room, n.Seq, n.ID)
			}
			return s
		})
}

func entryLine(e control.Entry) string {
	s := when(e.TimeMs) + "  " + e.Act
	if e.Role != "" {
		s += " " + e.Role
	}
	if e.User != 0 {
		s += fmt.Sprintf(" %s (user %d)", e.UserName, e.User)
	}
	if e.What != "" {
		s += " " + e.What
	}
	if e.Room != 0 {
		s += " in #" + e.RoomName
		if e.Seq != 0 {
			s += fmt.Sprintf(" (event %d)", e.Seq)
		}
	}
	if e.By != 0 {
		s += fmt.Sprintf(", by %s (user %d)", e.ByName, e.By)
	} else {
		s += ", by the operator of the server"
	}
	if e.UntilMs != 0 {
		s += ", " + until(e.UntilMs)
	}
	return s + because(e.Reason) + "\n"
}

func reportCommand() *cobra.Command {
	list := operation("list", "List what users have reported and nobody has resolved", "report-list", cobra.NoArgs,
		func(c *cobra.Command) func([]string) (any, error) {
			room := c.Flags().String("room", "", "in this room")
			all := c.Flags().Bool("all", false, "those that were resolved as well")
			after := c.Flags().Uint64("after", 0, "begin behind this number")
			most := c.Flags().Int("max", 0, "so many, at most 1000; default 100")
			return func([]string) (any, error) {
				return control.ReportsArgs{Room: *room, All: *all, After: *after, Max: *most}, nil
			}
		}, func(r control.Reports) string {
			s := ""
			for _, one := range r.Reports {
				s += reportText(one)
			}
			if r.More {
				s += fmt.Sprintf("more: --after %d\n", r.Reports[len(r.Reports)-1].ID)
			}
			return s
		})
	resolve := operation("resolve NUMBER acted|rejected", "Note what became of a report", "report-resolve", cobra.ExactArgs(2),
		func(c *cobra.Command) func([]string) (any, error) {
			note := c.Flags().String("note", "", "why, for the audit log")
			return func(a []string) (any, error) {
				id, err := strconv.ParseUint(a[0], 10, 63)
				if err != nil {
					return nil, fmt.Errorf("%q is no number of a report: 'sarang report list' has them", a[0])
				}
				return control.ResolveArgs{ID: id, Outcome: a[1], Note: *note}, nil
			}
		}, reportText)
	return group("report", "See what users have reported, and resolve it", "See what users have reported to moderators, and resolve it.", list, resolve)
}

func reportText(r control.Report) string {
	s := fmt.Sprintf("report %d of %s, %s: %s (user %d) in #%s, event %d, by %s%s\n", r.ID, when(r.TimeMs), r.Outcome, r.AuthorName, r.Author,
		r.RoomName, r.Seq, r.ReporterName, because(r.Reason))
	if r.Text != "" {
		text, _ := json.Marshal(r.Text)
		s += "    " + string(text) + "\n"
	}
	if r.Note != "" {
		s += "    " + r.Note + "\n"
	}
	return s
}
