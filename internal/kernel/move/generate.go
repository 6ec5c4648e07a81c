package move

//go:generate go -C _asm run . -out ../zmove_amd64.s -stubs ../zstubs_amd64.go -pkg move
