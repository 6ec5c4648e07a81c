package find

//go:generate go -C _asm run . -out ../zfind_amd64.s -stubs ../zstubs_amd64.go -pkg find
