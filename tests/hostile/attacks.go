package main

import "time"

// attack is a way to be a nuisance.
type attack struct {
	name, what string
	serverArgs []string // what the server is started with
	cheap      bool     // part of a short run
	long       bool     // takes its own time, by --stall-seconds
	fair       bool     // the others must hardly notice: see fairness
	poolMax    int64    // bytes that the server's buffers may grow by during the attack; 0: any number
	start      func(a *attacker)

	// prepare, if there is one, has the attackers come before anything is measured, and
	// calls ready when they have.
	prepare func(a *attacker, ready func())
}

// attacks are all there are.
func attacks() []attack {
	all := connectAttacks()
	all = append(all, publishAttacks()...)
	all = append(all, readAttacks()...)
	all = append(all, queueAttacks()...)
	all = append(all, memberAttacks()...)
	all = append(all, guestAttacks()...)
	return append(all, requestAttacks()...)
}

func findAttack(name string) *attack {
	all := attacks()
	for i := range all {
		if all[i].name == name {
			return &all[i]
		}
	}
	return nil
}

// massDeadline is the login deadline of a server that is to close thousands of sessions
// at one moment.
const massDeadline = 3 * time.Second
