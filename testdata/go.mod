module github.com/spinemask/spinemask/testdata

go 1.26
