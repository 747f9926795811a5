-- Compare and append, in one statement and so in one round trip and one transaction. It
-- runs at READ COMMITTED: each of its statements sees what others have committed by then.
--
-- The heads are locked in the order of rooms. Who has them knows that no other transaction
-- of the same batch is on its way; only then is the writer's row looked at. State is that
-- of sqlstore.State. An array of which there are no values may be shorter than the others.
CREATE FUNCTION sarang_append(
	in_writer bigint, in_number bigint,
	in_rooms bigint[], in_afters bigint[], in_counts bigint[], in_times bigint[], in_flags bigint[],
	in_said bigint[], in_said_seq bigint[],
	m_room bigint[], m_seq bigint[], m_user bigint[], m_kind smallint[], m_nonce bigint[], m_time bigint[],
	m_prev bigint[], m_text text[], m_digest bigint[], m_target bigint[], m_subject bigint[], m_role smallint[], m_until bigint[],
	m_head bigint[], m_said bigint[], m_said_seq bigint[],
	a_user bigint[], a_room bigint[], a_last bigint[], a_sent bigint[],
	r_room bigint[], r_user bigint[], r_role smallint[], r_until bigint[], r_seq bigint[],
	OUT state bigint, OUT room bigint, OUT lost text
) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	have   bigint[];
	lasts  bigint[];
	saids  bigint[];
	said_seqs bigint[];
	logless bigint;
	gone   bigint[] := '{}';
	stored bigint;
	before text;
	nothing boolean;
BEGIN
	state := 0; room := 0; lost := '';
	SELECT coalesce(array_agg(h.room_id), '{}'), array_agg(h.last_seq), array_agg(h.said), array_agg(h.said_seq),
			min(h.room_id) FILTER (WHERE h.flags & 1 = 1)
		INTO have, lasts, saids, said_seqs, logless
		FROM (SELECT room_id, last_seq, said, said_seq, flags FROM heads WHERE room_id = ANY (in_rooms) ORDER BY room_id FOR UPDATE) h;
	IF cardinality(have) < cardinality(in_rooms) THEN
		state := 2;
		SELECT min(r) INTO room FROM unnest(in_rooms) r WHERE r <> ALL (have);
	ELSIF logless IS NOT NULL THEN
		state := 3; room := logless;
	END IF;
	IF state = 0 THEN
		SELECT w.number, w.lost INTO stored, before FROM writers w WHERE w.writer = in_writer;
		IF stored = in_number THEN
			-- A write behind the first one: what is known is as safe as what is new.
			UPDATE writers SET number = number WHERE writer = in_writer;
			state := 1; lost := before;
			RETURN;
		ELSIF stored > in_number THEN
			state := 4;
		END IF;
	END IF;
	IF state = 0 AND lasts <> in_afters THEN
		SELECT array_agg(h.r), string_agg(h.r || ':' || h.l, ' ' ORDER BY h.r) INTO gone, lost
			FROM unnest(in_rooms, in_afters, lasts) AS h (r, a, l) WHERE h.a <> h.l;
	END IF;
	nothing := state > 0 OR coalesce(cardinality(m_room), 0) = 0;
	IF NOT nothing AND cardinality(gone) > 0 THEN
		nothing := NOT EXISTS (SELECT FROM unnest(in_rooms, in_counts) AS h (r, n) WHERE h.n > 0 AND h.r <> ALL (gone));
	END IF;
	IF nothing THEN
		-- Nothing but locks was written: nobody need wait for the disk.
		PERFORM set_config('synchronous_commit', 'off', true);
		RETURN;
	END IF;
	INSERT INTO messages (room_id, seq, user_id, kind, nonce, time_ms, prev_seq, target, subject, role, until_ms, digest, said, said_seq, text)
		SELECT m.room, m.seq, m.usr, m.kind, m.nonce, m.ms, CASE WHEN m.prev >= 0 THEN m.prev ELSE
				coalesce((SELECT a.last_seq FROM authors a WHERE a.user_id = m.usr AND a.room_id = m.room), 0) END,
			coalesce(m.target, 0), coalesce(m.subject, 0), coalesce(m.role, 0::smallint), coalesce(m.until, 0), m.digest,
			saids[m.head] + m.said, CASE WHEN m.said > 0 THEN m.said_seq ELSE said_seqs[m.head] END, m.txt
		FROM unnest(m_room, m_seq, m_user, m_kind, m_nonce, m_time, m_prev, m_text, m_digest, m_target, m_subject, m_role, m_until,
				m_head, m_said, m_said_seq)
			AS m (room, seq, usr, kind, nonce, ms, prev, txt, digest, target, subject, role, until, head, said, said_seq)
		WHERE m.room <> ALL (gone);
	IF cardinality(a_user) > 0 THEN
		INSERT INTO authors AS a (user_id, room_id, last_seq, sent_count)
			SELECT n.usr, n.room, n.last, n.sent FROM unnest(a_user, a_room, a_last, a_sent) AS n (usr, room, last, sent)
			WHERE n.room <> ALL (gone)
			ON CONFLICT (user_id, room_id) DO UPDATE
			SET last_seq = excluded.last_seq, sent_count = a.sent_count + excluded.sent_count;
	END IF;
	IF cardinality(r_room) > 0 THEN
		INSERT INTO members (room_id, user_id, role, until_ms, seq)
			SELECT n.room, n.usr, n.role, n.until, n.seq
			FROM unnest(r_room, r_user, r_role, r_until, r_seq) AS n (room, usr, role, until, seq)
			WHERE n.room <> ALL (gone)
			ON CONFLICT (room_id, user_id) DO UPDATE SET role = excluded.role, until_ms = excluded.until_ms, seq = excluded.seq;
	END IF;
	UPDATE heads SET last_seq = n.after + n.count, last_ms = n.ms, flags = heads.flags | n.flags,
			said = heads.said + n.said, said_seq = CASE WHEN n.said > 0 THEN n.said_seq ELSE heads.said_seq END
		FROM unnest(in_rooms, in_afters, in_counts, in_times, in_flags, in_said, in_said_seq)
			AS n (room, after, count, ms, flags, said, said_seq)
		WHERE heads.room_id = n.room AND n.count > 0 AND n.room <> ALL (gone);
	INSERT INTO writers AS w (writer, number, lost) VALUES (in_writer, in_number, sarang_append.lost)
		ON CONFLICT (writer) DO UPDATE SET number = excluded.number, lost = excluded.lost;
END
$$
