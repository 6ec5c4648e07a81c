package nbits

//go:generate go -C _asm run . -out ../znbits_amd64.s -stubs ../zstubs_amd64.go -pkg nbits
