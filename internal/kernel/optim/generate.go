package optim

//go:generate go -C _asm run . -out ../zoptim_amd64.s -stubs ../zstubs_amd64.go -pkg optim
