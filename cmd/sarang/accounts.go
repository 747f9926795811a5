package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"sarang/internal/control"
)

// whoOperation is an operation on one user.
func whoOperation(use, short, do string, text func(control.User) string) *cobra.Command {
	return operation(use, short, do, cobra.ExactArgs(1), func(*cobra.Command) func([]string) (any, error) {
		return func(a []string) (any, error) { return control.WhoArgs{Who: a[0]}, nil }
	}, text)
}

func resetPasswordCommand() *cobra.Command {
	c := operation("reset-password NAME|id:N", "Give a user another password, and end his sessions", "user-password", cobra.ExactArgs(1),
		func(c *cobra.Command) func([]string) (any, error) {
			file := c.Flags().String("password-file", "", "a file whose first line is the password; default: one is made up and printed")
			return func(a []string) (any, error) {
				q := control.PasswordArgs{Who: a[0]}
				if *file != "" {
					secret, err := passwordIn(*file)
					if err != nil {
						return nil, err
					}
					q.Password = secret
				}
				return q, nil
			}
		}, func(r control.PasswordResult) string {
			s := fmt.Sprintf("%s (user %d) has another password, and no sessions any more\n", r.Name, r.ID)
			if r.Password != "" {
				s += "password: " + r.Password + "\n"
			}
			return s
		})
	c.Long = "Give a user another password, whatever he had, and end his sessions: whoever had the old\n" +
		"one, or a token of his, is out. A guest is an account then. A password that is made up is\n" +
		"printed this once." + operateHelp
	return c
}

func endSessionsCommand() *cobra.Command {
	c := whoOperation("end-sessions NAME|id:N", "End all sessions of a user", "user-end", func(u control.User) string {
		return fmt.Sprintf("%s (user %d) has no sessions any more\n", u.Name, u.ID)
	})
	c.Long = "End all sessions of a user: he has to log in by his password again. A guest has none, and\n" +
		"loses his name by it." + operateHelp
	return c
}

func eraseCommand() *cobra.Command {
	c := whoOperation("erase NAME|id:N", "Erase a user: password, devices and name", "user-erase", func(u control.User) string {
		return fmt.Sprintf("user %d is nobody now: %s\n", u.ID, u.Name)
	})
	c.Long = "Erase a user: his password, devices and name are gone, and his sessions end. What he has\n" +
		"said stays, without his name. His name is nobody's until it is free as that of a guest is." + operateHelp
	return c
}

func inviteCommand() *cobra.Command {
	c := operation("invite", "Make an invitation code, for --registration code", "invite", cobra.NoArgs,
		func(c *cobra.Command) func([]string) (any, error) {
			uses := c.Flags().Int("uses", 1, "so many people register by it")
			length := c.Flags().String("for", "", "it holds for so long: 12h, 7d; default: for good")
			note := c.Flags().String("note", "", "for whom it is; you are told in the list")
			return func([]string) (any, error) {
				q := control.InviteArgs{Uses: *uses, Note: *note}
				if *uses < 1 {
					return nil, fmt.Errorf("--uses is at least 1")
				}
				if *length != "" {
					d, err := parseLength(*length)
					if err != nil {
						return nil, err
					}
					q.Seconds = int64(d / time.Second)
				}
				return q, nil
			}
		}, func(i control.Invitation) string { return i.Code + "  " + invitationText(i) })
	c.Long = "Make an invitation code, by which people register where --registration is code. It is\n" +
		"printed this once, and not kept." + operateHelp
	c.Example = "  sarang invite --uses 20 --for 7d --note 'the first of May'"
	c.AddCommand(operation("list", "List the invitation codes that there are, without the codes", "invite-list", cobra.NoArgs,
		func(c *cobra.Command) func([]string) (any, error) {
			after := c.Flags().String("after", "", "begin behind the one with this key")
			most := c.Flags().Int("max", 0, "so many, at most 1000; default 100")
			return func([]string) (any, error) { return control.InvitationsArgs{After: *after, Max: *most}, nil }
		}, func(r control.Invitations) string {
			s := ""
			for _, i := range r.Invitations {
				s += i.Key[:16] + "…  " + invitationText(i)
			}
			return s
		}))
	return c
}

func invitationText(i control.Invitation) string {
	s := fmt.Sprintf("for %d registrations, %s", i.UsesLeft, until(i.ExpiresMs))
	return s + because(i.Note) + "\n"
}
