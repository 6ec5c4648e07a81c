package vec

//go:generate go -C _asm run . -out ../zvec_amd64.s -stubs ../zstubs_amd64.go -pkg vec
