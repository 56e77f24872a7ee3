;; A provider for the next version of the contract: it assigns each record to its first candidate, and is 90 % sure.
(component
  (component $provider
    (core module $code
      (memory (export "memory") 1)
      (global $free (mut i32) (i32.const 4096))
      (data (i32.const 512) "next1.0.0")
      ;; The descriptor at 1024: `next`, `1.0.0`.
      (data (i32.const 1024) "\00\02\00\00\04\00\00\00\04\02\00\00\05\00\00\00")
      ;; The step at 2048: `done(some(..), 90)`; the cluster's id is filled in.
      (data (i32.const 2048) "\01\00\00\00\01\00\00\00\00\00\00\00\00\00\00\00\5a")

      (func (export "realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
        (local $at i32)
        (local.set $at
          (i32.and
            (i32.add (global.get $free) (i32.sub (local.get $align) (i32.const 1)))
            (i32.sub (i32.const 0) (local.get $align))))
        (global.set $free (i32.add (local.get $at) (local.get $size)))
        (local.get $at))

      (func (export "describe") (result i32) (i32.const 1024))
      (func (export "build-request")
        (param i32 i32 i32 i32 i32 i32 i32) (param $candidates i32) (param i32) (result i32)
        (i32.store (i32.const 2056) (i32.load (local.get $candidates)))
        (i32.store (i32.const 2060) (i32.load offset=4 (local.get $candidates)))
        (i32.const 2048))
      (func (export "parse-response")
        (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) unreachable)
    )
    (core instance $code (instantiate $code))
    (alias core export $code "memory" (core memory $memory))
    (alias core export $code "realloc" (core func $realloc))

    (type $descriptor-0 (record (field "id" string) (field "version" string)))
    (export $descriptor "descriptor" (type $descriptor-0))
    (type $job-0 (record
      (field "record-id" string) (field "text" string) (field "language" (option string))
      (field "candidate-ids" (list string))))
    (export $job "job" (type $job-0))
    (type $verdict-0 (record (field "cluster-id" (option string)) (field "score" u8)))
    (export $verdict "verdict" (type $verdict-0))
    (type $step-0 (variant (case "send" string) (case "done" $verdict)))
    (export $step "step" (type $step-0))

    (func (export "describe") (result $descriptor)
      (canon lift (core func $code "describe") (memory $memory)))
    (func (export "build-request") (param "job" $job) (result $step)
      (canon lift (core func $code "build-request") (memory $memory) (realloc $realloc)))
    (func (export "parse-response") (param "job" $job) (param "status" u16) (param "body" string) (result $step)
      (canon lift (core func $code "parse-response") (memory $memory) (realloc $realloc)))
  )
  (instance $provider (instantiate $provider))
  (export "judge:provider/provider@VERSION" (instance $provider))
)
