package simulate_test

// changeMutations are about messages that are edited, deleted, reacted to and pinned.
func changeMutations() []mutation {
	return []mutation{
		{
			name: "everybody may edit every message", promise: promiseChanges,
			file: "internal/room/target.go",
			old:  "case e.Kind == chat.EventEdit && t.User != e.User:",
			new:  "case e.Kind == chat.EventEdit && t.User == 0:",
		},
		{
			name: "everybody may delete every message", promise: promiseChanges, few: true,
			file: "internal/room/target.go",
			old:  "t.User != e.User && !role.May(chat.ActionErase):",
			new:  "t.User != e.User && !role.May(chat.ActionReact):",
		},
		{
			name: "everybody may pin", promise: promiseChanges,
			file: "internal/room/target.go",
			old:  "\tcase chat.EventPin, chat.EventUnpin:\n\t\treturn chat.ActionPin\n",
			new:  "\tcase chat.EventPin, chat.EventUnpin:\n\t\treturn chat.ActionReact\n",
		},
		{
			name: "a message may be edited when its time is over", promise: promiseChanges,
			file: "internal/room/target.go",
			old:  "case most > 0 && r.takeMs-t.TimeMs > most.Milliseconds():",
			new:  "case most > 0 && r.takeMs-t.TimeMs > 2*most.Milliseconds():",
		},
		{
			name: "a message may not be edited in the last moments of its time", promise: promiseChanges,
			file: "internal/room/target.go",
			old:  "case most > 0 && r.takeMs-t.TimeMs > most.Milliseconds():",
			new:  "case most > 0 && r.takeMs-t.TimeMs > most.Milliseconds()/4:",
		},
		{
			name: "what is so already makes an event all the same", promise: promiseChanges,
			file: "internal/room/target.go",
			old:  "\treturn r.targets.peek(e.Target, e.User).Stands(e)\n",
			new:  "\tif e.Kind == chat.EventReact {\n\t\treturn 0\n\t}\n\treturn r.targets.peek(e.Target, e.User).Stands(e)\n",
		},
		{
			name: "changes of one message are decided at once", promise: promiseChanges,
			file: "internal/room/commit.go",
			old:  "\t\tn = min(n, r.apart())\n",
			new:  "\t\t_ = r.apart()\n",
		},
		{
			name: "a message that was deleted can be changed", promise: promiseChanges,
			file: "internal/room/target.go",
			old:  "\tcase t.Deleted != 0:\n",
			new:  "\tcase t.Deleted != 0 && e.Kind != chat.EventReact:\n",
		},
		{
			name: "a client adds to its picture what was in the page already", promise: promiseChanges,
			file: "client/view/view.go",
			old:  "\tif e.Seq <= m.changed {\n\t\treturn\n\t}\n\tm.changed = e.Seq\n",
			new:  "\tm.changed = max(m.changed, e.Seq)\n",
		},
		{
			name: "a page does not say what was edited", promise: promiseChanges,
			file: "internal/hub/history.go",
			old:  "\t\tcase st.Edited != 0:\n\t\t\te.Text = st.Text\n",
			new:  "\t\tcase st.Edited != 0 && st.Pinned != 0:\n\t\t\te.Text = st.Text\n",
		},
		{
			name: "a window keeps what was deleted", promise: promiseGone, few: true,
			file: "internal/hub/erase.go",
			old:  "\tf.Replace(n, buf, 0)\n",
			new:  "\t_ = n\n",
		},
		{
			name: "the edits of what was deleted stay in the window", promise: promiseGone,
			file: "internal/room/target.go",
			old:  "return append(slices.Clone(t.Edits), e.Target), true",
			new:  "return []chat.Seq{e.Target}, true",
		},
		{
			name: "a deletion is acknowledged before all workers have forgotten", promise: promiseGone,
			file: "internal/hub/erase.go",
			old:  "\t\tif a.Kind != chat.EventDelete || e.left == 0 {\n",
			new:  "\t\tif a.Kind != chat.EventDelete || e.left >= 0 {\n",
		},
		{
			name: "who is in the middle of what is deleted gets the rest of it", promise: promiseGone,
			file: "internal/hub/erase.go",
			old:  "\t\t\to.Abort() // a last word would stand behind the text, and take it along\n",
			new:  "\t\t\to.Flush()\n",
		},
		{
			name: "who is in the middle of what is deleted gets the rest of it before he is told why", promise: promiseGone,
			file: "internal/hub/erase.go",
			old:  "\t\t\to.Abort() // a last word would stand behind the text, and take it along\n",
			new:  "\t\t\to.End(engine.Reason{Code: engine.ReasonRefused, Err: chat.Errorf(chat.CodeUnavailable, \"come back\")})\n",
		},
	}
}
