package main

import "time"

// attack is a way to be a nuisance.
type attack struct {
	name, what string
	serverArgs []string // what the server is started with
	trusts     string   // a network that the server's limits do not hold for: where those come from who prepare the attack
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

// trusted is the server's --trusted: what the run wants, and whom the attack needs for its
// preparation. Neither the attackers nor the well-behaved are trusted for its sake.
func (a *attack) trusted(wanted string) string {
	switch {
	case a.trusts == "":
		return wanted
	case wanted == "", wanted == "none":
		return a.trusts
	}
	return wanted + "," + a.trusts
}
