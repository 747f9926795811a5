package sarangv1_test

import (
	"maps"

	pb "sarang/proto/sarang/v1"
)

func init() {
	maps.Copy(examples, map[string]example{
		"C_PROFILE Bob": {pb.CProfile, &pb.LookUp{Request: 15, Name: "Bob"}},
		"S_PROFILE Bob": {pb.SProfile, &pb.UserProfile{
			Request: 15, User: 8, Name: "Bob", Account: true, DisplayName: "Bob 🌱", Status: "in the garden",
			Presence: 1, SeenMs: 1700000040000, CreatedMs: 1690000000000,
		}},
		"C_SET_PROFILE status": {pb.CSetProfile, &pb.SetProfile{Request: 16, Status: new("back at six"), Hidden: new(false)}},
		"S_SET_PROFILE other":  {pb.SSetProfile, &pb.UserProfile{User: 7, Name: "Ann", Account: true, Status: "back at six", Presence: 3, CreatedMs: 1690000000000}},
		"C_RENAME Anna":        {pb.CRename, &pb.Rename{Request: 17, Name: "Anna"}},
		"S_RENAME Anna":        {pb.SRename, &pb.Rename{Request: 17, Name: "Anna"}},
		"C_AWAY":               {pb.CAway, &pb.Away{Request: 18, Away: true}},
		"C_BLOCK Bob":          {pb.CBlock, &pb.Block{Request: 19, User: 8}},
		"S_BLOCK Bob":          {pb.SBlock, &pb.Blocked{Request: 19, User: 8}},
		"C_BLOCKS first":       {pb.CBlocks, &pb.Blocks{Request: 20}},
		"S_BLOCKS page":        {pb.SBlocks, &pb.BlockPage{Request: 20, Users: []*pb.Member{{User: 8, Name: "Bob"}}}},
		"C_SEEN_BY lobby":      {pb.CSeenBy, &pb.SeenBy{Request: 21, Room: 1}},
		"S_SEEN_BY lobby":      {pb.SSeenBy, &pb.SeenByList{Request: 21, Room: 1, Marks: []*pb.SeenMark{{User: 7, Seq: 43}, {User: 8, Seq: 41}}}},
		"C_LOGIN jwt":          {pb.CLogin, &pb.Login{VersionMin: 1, VersionMax: 1, Jwt: "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJl"}},
	})
}
