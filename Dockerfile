# The command and nothing else:
#
#   docker build -t spinemask .
#   docker run --rm -v "$PWD:/data" --user "$(id -u):$(id -g)" spinemask segment photos -o out
FROM golang:1.26 AS build
ARG VERSION=unreleased
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.release=$VERSION" -o /spinemask ./cmd/spinemask

FROM scratch
# For spinemask pull.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /spinemask /spinemask
# Made by WORKDIR: the folder for temporary files, and the one that images are mounted at.
WORKDIR /tmp
WORKDIR /data
ENTRYPOINT ["/spinemask"]
