package ws

// AppendJSON is how packets are written in JSON.
var AppendJSON = appendJSON
