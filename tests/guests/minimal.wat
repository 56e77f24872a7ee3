;; The smallest provider there can be: the contract's types, and five functions in a core module. The tests put
;; what they need in place of the words in capitals. Layouts are those of the canonical ABI.
(component
  IMPORTS
  (component $provider
    (core module $code
      (memory (export "memory") PAGES)
      (global $free (mut i32) (i32.const 4096))
      (global $calls (mut i32) (i32.const 0))

      ;; A descriptor of 84 bytes at 1024, all of it empty but the id.
      (data (i32.const 1024) "\00\02\00\00\07\00\00\00")
      (data (i32.const 512) "minimal")

      ;; Arguments are laid one after another, behind everything else; nothing is ever freed.
      (func (export "realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
        (local $at i32)
        (local.set $at
          (i32.and
            (i32.add (global.get $free) (i32.sub (local.get $align) (i32.const 1)))
            (i32.sub (i32.const 0) (local.get $align))))
        (global.set $free (i32.add (local.get $at) (local.get $size)))
        (local.get $at))

      ;; Calls itself until there is no stack left.
      (func $deep (result i32) (i32.add (call $deep) (i32.const 1)))

      (func (export "describe") (result i32)
        DESCRIBE
        (i32.const 1024))
      ;; At 3200 is `ok(ready)` of nothing: all is zero but the case `ready`.
      (data (i32.const 3208) "\01")
      (func (export "prepare") (param i32) (result i32)
        PREPARE
        (i32.const 3200))
      ;; At 3072 is `ok(text)` of nothing. What `build-request` returns at 2048 is, unless the test writes into it, `ok(send)` of an empty request without a body.
      (func (export "brief") (param i32) (result i32)
        BRIEF
        (i32.const 3072))
      (func (export "build-request") (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
        BUILD
        (i32.const 2048))
      (func (export "parse-response") (param i32) (result i32)
        PARSE
        (i32.const 2048))
    )
    (core instance $code (instantiate $code))
    (alias core export $code "memory" (core memory $memory))
    (alias core export $code "realloc" (core func $realloc))

    (type $extra (tuple string string))
    (type $auth-slot-0 (record (field "header" string) (field "prefix" string)))
    (export $auth-slot "auth-slot" (type $auth-slot-0))
    (type $setting-spec-0
      (record (field "name" string) (field "summary" string) (field "default-value" (option string))))
    (export $setting-spec "setting-spec" (type $setting-spec-0))
    (type $descriptor-0 (record
      (field "id" string) (field "version" string) (field "summary" string)
      (field "default-endpoint" (option string)) (field "default-model" (option string))
      (field "auth" (option $auth-slot)) (field "settings" (list $setting-spec)) (field "extras" (list $extra))))
    (export $descriptor "descriptor" (type $descriptor-0))
    (type $settings-0 (record
      (field "model" string) (field "temperature" (option f64)) (field "max-output-tokens" (option u32))
      (field "seed" (option u64)) (field "extra" (list $extra))))
    (export $settings "settings" (type $settings-0))
    (type $instructions-0 (record (field "text" string) (field "rationale-language" (option string))))
    (export $instructions "instructions" (type $instructions-0))
    (type $record-0 (record (field "id" string) (field "text" string) (field "context" (list $extra))))
    (export $record "record" (type $record-0))
    (type $cluster-0 (record
      (field "id" string) (field "name" string) (field "summary" string) (field "criteria" string)
      (field "samples" (list string))))
    (export $cluster "cluster" (type $cluster-0))
    (type $task-0 (record
      (field "candidates" (list $cluster)) (field "instructions" $instructions) (field "allow-new-cluster" bool)
      (field "records-max" u32) (field "settings" $settings) (field "profile" (list u8))
      (field "extras" (list $extra))))
    (export $task "task" (type $task-0))
    (type $body-0 (variant (case "text" string) (case "binary" (list u8))))
    (export $body "body" (type $body-0))
    (type $job-0 (record
      (field "records" (list $record)) (field "brief" $body) (field "candidate-ids" (list string))
      (field "allow-new-cluster" bool) (field "extras" (list $extra))))
    (export $job "job" (type $job-0))
    (type $headers (list (tuple string (list u8))))
    (type $http-request-0 (record
      (field "method" string) (field "path-and-query" string) (field "headers" $headers)
      (field "body" (option $body))))
    (export $http-request "http-request" (type $http-request-0))
    (type $http-response-0 (record (field "status" u16) (field "headers" $headers) (field "body" $body)))
    (export $http-response "http-response" (type $http-response-0))
    (type $outgoing-0 (record (field "request" $http-request) (field "state" (list u8))))
    (export $outgoing "outgoing" (type $outgoing-0))
    (type $confidence-0 (enum "low" "medium" "high"))
    (export $confidence "confidence" (type $confidence-0))
    (type $proposal-0 (record (field "name" string) (field "summary" string) (field "criteria" string)))
    (export $proposal "proposal" (type $proposal-0))
    (type $decision-0 (variant (case "assign" string) (case "new-cluster" $proposal) (case "skip")))
    (export $decision "decision" (type $decision-0))
    (type $verdict-0 (record
      (field "record-id" string) (field "decision" $decision) (field "confidence" $confidence)
      (field "rationale" string)))
    (export $verdict "verdict" (type $verdict-0))
    (type $usage-0 (record
      (field "input-tokens" (option u64)) (field "cached-input-tokens" (option u64))
      (field "output-tokens" (option u64)) (field "cost-micro-usd" (option u64))))
    (export $usage "usage" (type $usage-0))
    (type $answer-0 (record
      (field "verdicts" (list $verdict)) (field "model" (option string)) (field "finish-reason" (option string))
      (field "usage" $usage) (field "extras" (list $extra))))
    (export $answer "answer" (type $answer-0))
    (type $fault-kind-0 (enum
      "rate-limited" "overloaded" "unavailable" "timed-out" "credentials" "quota" "model-not-found"
      "invalid-request" "too-long" "refused" "truncated" "malformed" "unsupported" "other"))
    (export $fault-kind "fault-kind" (type $fault-kind-0))
    (type $fault-0 (record
      (field "kind" $fault-kind) (field "code" (option string)) (field "message" string)
      (field "retry-after-ms" (option u64)) (field "hint" (option string)) (field "usage" $usage)
      (field "extras" (list $extra))))
    (export $fault "fault" (type $fault-0))
    (type $step-0 (variant (case "send" $outgoing) (case "done" $answer)))
    (export $step "step" (type $step-0))
    (type $preparation-0 (variant (case "send" $outgoing) (case "ready" (list u8))))
    (export $preparation "preparation" (type $preparation-0))
    (type $previous-0 (record (field "state" (list u8)) (field "response" $http-response)))
    (export $previous "previous" (type $previous-0))

    (func (export "describe") (result $descriptor)
      (canon lift (core func $code "describe") (memory $memory)))
    (func (export "prepare")
      (param "settings" $settings) (param "previous" (option $previous)) (result (result $preparation (error $fault)))
      (canon lift (core func $code "prepare") (memory $memory) (realloc $realloc)))
    (func (export "brief") (param "task" $task) (result (result $body (error $fault)))
      (canon lift (core func $code "brief") (memory $memory) (realloc $realloc)))
    (func (export "build-request") (param "job" $job) (result (result $step (error $fault)))
      (canon lift (core func $code "build-request") (memory $memory) (realloc $realloc)))
    (func (export "parse-response")
      (param "job" $job) (param "state" (list u8)) (param "response" $http-response)
      (result (result $step (error $fault)))
      (canon lift (core func $code "parse-response") (memory $memory) (realloc $realloc)))
  )
  (instance $provider (instantiate $provider))
  (export "judge:provider/provider@VERSION" (instance $provider))
)
