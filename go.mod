module github.com/spinemask/spinemask

go 1.26
