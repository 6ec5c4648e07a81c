package rnn

//go:generate go -C _asm run . -out ../zrnn_amd64.s -declarations ../zrnn_amd64.go
