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
# Folders: for temporary files, which every --user may write, and the one that images are mounted at.
RUN mkdir -p /folders/data && mkdir -m 1777 /folders/tmp

FROM scratch
COPY --from=build /folders/ /
# For spinemask pull.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /spinemask /spinemask
WORKDIR /data
ENTRYPOINT ["/spinemask"]
